/** The official Python SDK on its socket, with a line that breaks (clients.md 9). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FaultProxy } from '../packages/server/test/clients/fault-proxy.ts';
import type { Fault } from '../packages/server/test/clients/fault-proxy.ts';
import { check } from './checks.ts';
import type { FaultCase, FaultReport, Place } from './fault-stage.ts';
import { startLongwire } from './longwire.ts';
import { Program } from './program.ts';
import { messages } from './workload.ts';

const version = '3.22.1';
const folder = fileURLToPath(new URL('../.acceptance/python', import.meta.url));
const python = `${folder}/bin/python`;
const driver = fileURLToPath(new URL('./openai-python.py', import.meta.url));
const answerTimeoutMs = 30_000;

/** Installs the SDK into an environment of its own unless it is there. False where this machine's pip has no such package. */
export function installOpenaiPython(): boolean {
  const has = ['-c', `import openai, websockets; assert openai.__version__ == "${version}"`];
  const succeeds = (command: string, args: readonly string[]) => spawnSync(command, args).status === 0;
  return (
    succeeds(python, has) ||
    (succeeds('python3', ['-m', 'venv', folder]) &&
      succeeds(python, ['-m', 'pip', 'install', '--quiet', '--retries', '0', `openai[realtime]==${version}`]))
  );
}

/** What came of one turn of the SDK. */
interface Outcome {
  /** The type of the last event; `raised` where the SDK threw, `closed` where it came to an end. */
  readonly ended: string;
  /** Of the error event, or the class of what was thrown. */
  readonly code?: string;
  readonly id?: string;
  readonly text?: string;
  readonly calls?: readonly string[];
}

type Run = (fields: object) => Promise<Outcome>;

const inTheMessage: Fault['at'] = ({ type }) => type === 'response.output_text.delta';

/** The faults, in the order of the table. */
export const openaiPythonFaults: readonly FaultCase[] = [
  {
    fault: 'openai-python: none',
    expected: 'call, output, message on one socket with store:false',
    play: (place) => play(place, [], 1, async (run) => callAndAnswer(run, false)),
  },
  {
    fault: 'openai-python: previous_response_not_found',
    expected: 'an error event; the socket goes on',
    play: (place) =>
      play(place, [], 1, async (run) => {
        const refused = await run({ previous_response_id: 'resp_unknown', input: 'Hi.' });
        return [refused, ...(await callAndAnswer(run, false))];
      }),
  },
  ...([1011, 1012, 'reset'] as const).map((how) => ({
    fault: `openai-python: ${how === 'reset' ? 'TCP reset' : `close ${how}`} in mid-turn`,
    expected: 'raises; the next connection continues the stored chain',
    play: (place: Place) =>
      play(place, [{ at: inTheMessage, how, times: 1 }], 2, async (run) => {
        const asked = await run({ store: true, input: 'Run the command.' });
        const lost = await answer(run, asked);
        return [lost, asked, await answer(run, asked)];
      }),
  })),
  {
    fault: 'openai-python: close 1012 while idle',
    expected: 'raises; the next connection continues the stored chain',
    play: (place) =>
      play(place, [], 2, async (run, proxy) => {
        const asked = await run({ store: true, input: 'Run the command.' });
        await proxy.breakAll(1012);
        const lost = await answer(run, asked);
        return [lost, asked, await answer(run, asked)];
      }),
  },
];

async function callAndAnswer(run: Run, store: boolean): Promise<Outcome[]> {
  const asked = await run({ store, input: 'Run the command.' });
  return [asked, await answer(run, asked)];
}

function answer(run: Run, { id, calls = [] }: Outcome): Promise<Outcome> {
  const input = calls.map((call_id) => ({ type: 'function_call_output', call_id, output: 'done' }));
  return run({ store: false, previous_response_id: id, input });
}

async function play(
  { folder: own, signal }: Place,
  faults: readonly Fault[],
  sockets: number,
  tell: (run: Run, proxy: FaultProxy) => Promise<readonly Outcome[]>,
): Promise<FaultReport> {
  await using server = await startLongwire({ folder: own, signal });
  await using proxy = await FaultProxy.start(server.baseUrl, { faults });
  await using sdk = new Program({
    command: python,
    args: [driver, proxy.baseUrl],
    folder: own,
    env: { PATH: process.env['PATH'], HOME: own, ...server.env },
    signal,
  });
  const run: Run = async (fields) => {
    const seen = sdk.out.length;
    sdk.write(JSON.stringify({ model: server.model, ...fields }));
    const line = await sdk.until(() => sdk.out[seen], answerTimeoutMs);
    if (line === null) throw new Error(`The SDK did not answer:\n${sdk.err.join('\n')}`);
    return JSON.parse(line) as Outcome;
  };
  const outcomes = await tell(run, proxy);
  const seen = outcomes.map(({ ended, code }) => (code === undefined ? ended : `${ended} ${code}`)).join(', ');
  const [first] = outcomes;
  const mishaps = outcomes.length - 2;
  const complaints = server.newComplaints();
  return {
    seen,
    checks: [
      check('the last turn says the message', outcomes.at(-1)?.text === messages[0], outcomes.at(-1)?.text ?? ''),
      check(
        'nothing else went wrong',
        outcomes.slice(mishaps).every(({ ended }) => ended === 'response.completed'),
        seen,
      ),
      check('the fault was seen', mishaps === 0 || first?.ended !== 'response.completed', seen),
      check(`${sockets} sockets`, proxy.opened === sockets, proxy.opened),
      check('the server complains of nothing', complaints.length === 0, complaints.join()),
    ],
  };
}
