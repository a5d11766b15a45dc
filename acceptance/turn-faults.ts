/** Faults inside one run of `codex exec`: a command, its output, a message (clients.md 4). */
import type { Fault, SeenEvent } from '../packages/server/test/clients/fault-proxy.ts';
import { json, say, startChatServer } from '../packages/server/test/engine/openai-chat/chat-server.ts';
import type { Answer } from '../packages/server/test/engine/openai-chat/chat-server.ts';
import { check } from './checks.ts';
import type { Check } from './checks.ts';
import type { CodexRun } from './codex.ts';
import { FaultStage, toldIn } from './fault-stage.ts';
import type { FaultCase, FaultReport, FaultSetup, Place, Told } from './fault-stage.ts';
import { messages } from './workload.ts';

/** What must come of a run. */
interface Outcome {
  /** Whether the turn ends with the model's message. */
  readonly completes: boolean;
  readonly told: Told;
  readonly commandRuns: number;
  /** Requests by socket (`FaultStage.traffic`): what they may be, where they are not left open. */
  readonly traffic?: string | readonly string[];
  readonly also?: (run: CodexRun, stage: FaultStage) => readonly Check[];
}

/** The first request on a new socket after the command has run: all six items, on no chain. */
const replayed = 'warm +3 +1 | 6';
const quiet: Outcome = { completes: true, told: 'nothing', commandRuns: 1 };
const patient = { streamMaxRetries: 5 };
const silentMs = 4000;
const impatient = { ...patient, streamIdleTimeoutMs: silentMs / 2 };

const inTheMessage = ({ type }: SeenEvent) => type === 'response.output_text.delta';
const theCall = ({ type, itemType }: SeenEvent) => type === 'response.output_item.done' && itemType === 'function_call';

/** The faults, in the order of the table. */
export const turnFaults: readonly FaultCase[] = [
  ...([1000, 1011, 1012, 'reset'] as const).map((how) =>
    row(
      `${how === 'reset' ? 'TCP reset' : `close ${how}`} in mid-turn, once`,
      'silent retry in full on a new socket',
      { codex: patient, plan: { faults: [{ at: inTheMessage, how, times: 1 }] } },
      { ...quiet, traffic: replayed },
    ),
  ),
  row(
    'TCP reset in mid-turn, every time',
    '5 retries, then HTTP',
    { codex: patient, plan: { faults: [{ at: inTheMessage, how: 'reset', times: Infinity }] } },
    { ...quiet, told: 'falling back', traffic: 'warm +3 +1 | 6 | 6 | 6 | 6 | 6 | http: 6' },
  ),
  row(
    'TCP reset after the call, before response.completed',
    'silent retry, with call and output where the call has come; the command runs once',
    { codex: patient, plan: { faults: [afterCall('reset')] } },
    // A reset may overtake the event before it, which the system then throws away unread: the call comes with the retry.
    { ...quiet, traffic: ['warm +3 | 6', 'warm +3 | 4 +1'] },
  ),
  row(
    'close 1011 after the call, before response.completed',
    'silent retry with call and output; the command runs once',
    { codex: patient, plan: { faults: [afterCall(1011)] } },
    { ...quiet, traffic: 'warm +3 | 6' },
  ),
  row(
    'TCP reset of the warm-up',
    'the next request in full on a new socket',
    { codex: patient, plan: { faults: [{ at: ({ type }) => type === 'response.created', how: 'reset', times: 1 }] } },
    { ...quiet, traffic: 'warm | 4 +1' },
  ),
  row(
    'previous_response_not_found',
    'silent retry in full on a new socket',
    { codex: patient, plan: { strayIds: 1 } },
    { ...quiet, traffic: 'warm +3 | 4 +1', also: (_run, stage) => [wasTold(stage, 'previous_response_not_found')] },
  ),
  row(
    'the connection grows too old in mid-turn',
    'the turn ends; reconnects, tells nothing',
    {
      codex: patient,
      server: { flags: ['--scripted-rate', '12', '--connection-lifetime-ms', '1000', '--ping-interval-ms', '100'] },
    },
    {
      ...quiet,
      also: (_run, { proxy }) => [
        check('another socket', proxy.opened > 1, proxy.opened),
        check('the server closed the first with 1001', proxy.serverCloses[0] === 1001, proxy.serverCloses),
      ],
    },
  ),
  row(
    'WebSocket mode is off: 426',
    'HTTP at once, tells nothing',
    { codex: patient, server: { flags: ['--no-websocket'] } },
    {
      ...quiet,
      traffic: 'http: 4 6',
      also: (_run, { proxy }) => [check('one upgrade', proxy.upgrades === 1, proxy.upgrades)],
    },
  ),
  row(
    'upgrade refused with 503, twice',
    'tries again and stays on the WebSocket',
    { codex: patient, plan: { refusals: { status: 503, times: 2 } } },
    { ...quiet, also: (_run, stage) => [check('no HTTP', !stage.traffic().includes('http'), stage.traffic())] },
  ),
  row(
    'upgrade refused with 503, every time',
    '7 upgrades, then HTTP',
    { codex: patient, plan: { refusals: { status: 503, times: Infinity } } },
    {
      ...quiet,
      told: 'falling back',
      traffic: 'http: 4 6',
      also: (_run, { proxy }) => [check('7 upgrades', proxy.upgrades === 7, proxy.upgrades)],
    },
  ),
  row(
    'wrong key: 401',
    'falls back, and fails with the reason',
    { codex: { streamMaxRetries: 1 }, env: { ACCEPTANCE_KEY: 'wrong' } },
    {
      completes: false,
      told: 'falling back',
      commandRuns: 0,
      also: (run) => [check('says 401', run.text.includes('401'), failureIn(run))],
    },
  ),
  row(
    'unknown model: 404',
    'the turn fails at once with the message',
    { codex: { ...patient, model: 'gpt-of-nobody' } },
    {
      completes: false,
      told: 'nothing',
      commandRuns: 0,
      also: (run) => [check('names the model', run.text.includes("'gpt-of-nobody' does not exist"), failureIn(run))],
    },
  ),
  upstreamRow(
    `the engine thinks for ${silentMs / 1000} s, longer than Codex waits`,
    'keep-alive events hold it',
    { codex: impatient, server: { flags: ['--keepalive-event-ms', '500'] } },
    late(say(messages[0]), silentMs),
    { ...quiet, commandRuns: 0, traffic: 'warm +3' },
  ),
  upstreamRow(
    'the same without keep-alive events',
    'gives up and tries again',
    { codex: impatient, server: { flags: ['--keepalive-event-ms', '0'] } },
    late(say(messages[0]), silentMs),
    { ...quiet, commandRuns: 0, traffic: 'warm +3 | 4' },
  ),
  upstreamRow(
    'the engine never answers, once',
    'response.failed after the time limit, then a retry',
    { codex: patient, server: { flags: ['--first-event-timeout-ms', '1000'] } },
    () => {},
    { ...quiet, commandRuns: 0, also: (_run, stage) => [wasTold(stage, 'engine_timeout')] },
  ),
  upstreamRow(
    'rate limit of the engine: 429, try again in 2 s',
    'retry after 2 s',
    { codex: patient },
    json(429, { error: { message: 'Slow down.', type: 'rate_limit_error' } }, { 'retry-after': '2' }),
    {
      ...quiet,
      commandRuns: 0,
      traffic: 'warm +3 | 4',
      also: (_run, stage) => [wasTold(stage, 'rate_limit_exceeded'), waited(stage, 2000)],
    },
  ),
  upstreamRow('the engine fails: 500', 'retry', { codex: patient }, json(500, { error: { message: 'Broken.' } }), {
    ...quiet,
    commandRuns: 0,
    also: (_run, stage) => [wasTold(stage, 'engine_unavailable')],
  }),
];

function afterCall(how: Fault['how']): Fault {
  return { at: theCall, how, delivers: true, times: 1 };
}

function late(answer: Answer, afterMs: number): Answer {
  return (response, asked) => void setTimeout(() => answer(response, asked), afterMs);
}

function row(fault: string, expected: string, setup: FaultSetup, outcome: Outcome): FaultCase {
  return { fault, expected, play: (place) => play(place, setup, outcome) };
}

/** An engine that answers the first turn like this, and every later one with the message. */
function upstreamRow(fault: string, expected: string, setup: FaultSetup, first: Answer, outcome: Outcome): FaultCase {
  const playBehind = async (place: Place) => {
    const engine = await startChatServer();
    engine.answer = (response, asked) => {
      engine.answer = say(messages[0]);
      first(response, asked);
    };
    try {
      return await play(place, { ...setup, server: { ...setup.server, upstream: engine.baseUrl } }, outcome);
    } finally {
      await engine.close();
    }
  };
  return { fault, expected, play: playBehind };
}

async function play(place: Place, setup: FaultSetup, outcome: Outcome): Promise<FaultReport> {
  await using stage = await FaultStage.open(place, setup);
  const run = await stage.codex.exec('Run the command.');
  const said = run.events.flatMap(({ item }) => (item?.type === 'agent_message' ? [item.text ?? ''] : []));
  const told = toldIn(run.text);
  const commandRuns = stage.codex.commandRuns();
  const traffic = stage.traffic();
  return {
    seen: `exit ${run.exitCode}; ${traffic}; command ran ${commandRuns}x; told ${told}`,
    checks: [
      check('exit code', (run.exitCode === 0) === outcome.completes, run.exitCode),
      check('the message', (said.at(-1) === messages[0]) === outcome.completes, said.join(' / ')),
      check(`told ${outcome.told}`, told === outcome.told, told),
      check(`the command ran ${outcome.commandRuns}x`, commandRuns === outcome.commandRuns, commandRuns),
      check('traffic', [outcome.traffic ?? traffic].flat().includes(traffic), traffic),
      ...stage.checks(),
      ...(outcome.also?.(run, stage) ?? []),
    ],
  };
}

function wasTold({ proxy }: FaultStage, code: string): Check {
  const codes = proxy.events.flatMap((event) => (event.code === null ? [] : [event.code]));
  return check(`the server said ${code}, once`, codes.join() === code, codes.join(' '));
}

/** Codex waits for as long as it was told, give or take a tenth; by itself it would for 0.2 s. */
function waited({ proxy }: FaultStage, ms: number): Check {
  const [retried, refused] = proxy.requests.toReversed();
  const gapMs = retried && refused ? Math.round(retried.atMs - refused.atMs) : 0;
  return check(`came back after ${ms} ms`, gapMs >= ms * 0.9, `${gapMs} ms`);
}

function failureIn({ events }: CodexRun): string {
  return events.findLast(({ type }) => type === 'turn.failed' || type === 'error')?.message ?? '';
}
