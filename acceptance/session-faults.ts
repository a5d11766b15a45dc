/** Faults between and around the turns of one Codex process, `codex app-server` (clients.md 4). */
import { AppServer } from './app-server.ts';
import { check } from './checks.ts';
import type { Check } from './checks.ts';
import { FaultStage, toldIn } from './fault-stage.ts';
import type { FaultCase, FaultReport, FaultSetup, Place } from './fault-stage.ts';
import { messages } from './workload.ts';

/** A session under way. */
interface Session {
  readonly stage: FaultStage;
  readonly appServer: AppServer;
  readonly thread: string;
}

/** A story of two turns of the user, with the fault somewhere in it. Returns what the model said, and more checks. */
type Story = (session: Session) => Promise<{ readonly said: readonly string[]; readonly checks?: readonly Check[] }>;

/** Slow enough to be met in mid-turn: about a second for each turn of the model. */
const slowly = ['--scripted-rate', '15'];
/** The first fault that costs a retry makes Codex say that it falls back. */
const noRetries: FaultSetup['codex'] = { streamMaxRetries: 0 };
const patient: FaultSetup['codex'] = { streamMaxRetries: 5 };

/** The second turn of the user brings the four items before the call, the call, its output, the answer and the question. */
const resumed = 'warm +3 +1 | 8';

/** The faults, in the order of the table. */
export const sessionFaults: readonly FaultCase[] = [
  ...([1000, 1001, 1012, 'reset'] as const).map((how) =>
    story(
      `${how === 'reset' ? 'TCP reset' : `close ${how}`} while idle`,
      'reconnects at the next turn; no retry is used up',
      { codex: noRetries },
      async (session) => {
        const first = await runTurn(session, 'Run the command.');
        await session.stage.proxy.breakAll(how);
        return { said: [...first, ...(await runTurn(session, 'Go on.'))], checks: [trafficIs(session, resumed)] };
      },
    ),
  ),
  story(
    'the connection grows too old while idle (--connection-lifetime-ms)',
    'reconnects at the next turn; no retry is used up',
    {
      codex: noRetries,
      // Old by the beat after its first turns; the second socket lives long enough for the one turn that is left.
      server: { flags: ['--connection-lifetime-ms', '4000', '--ping-interval-ms', '200'] },
    },
    async (session) => {
      const { proxy } = session.stage;
      const first = await runTurn(session, 'Run the command.');
      await proxy.until(() => proxy.open === 0);
      const said = [...first, ...(await runTurn(session, 'Go on.'))];
      const codes = proxy.events.flatMap(({ code }) => (code === null ? [] : [code]));
      return {
        said,
        checks: [
          trafficIs(session, resumed),
          check('the server said why', codes[0] === 'websocket_connection_limit_reached', codes.join(' ')),
          check('and closed with 1001', proxy.serverCloses[0] === 1001, proxy.serverCloses),
        ],
      };
    },
  ),
  story(
    'SIGTERM while idle, another server on the same port',
    'reconnects at the next turn; no retry is used up',
    { codex: noRetries },
    async (session) => {
      const first = await runTurn(session, 'Run the command.');
      const exitCode = await session.stage.restart();
      const said = [...first, ...(await runTurn(session, 'Go on.'))];
      return { said, checks: [trafficIs(session, resumed), ...drainChecks(session, exitCode)] };
    },
  ),
  story(
    'SIGTERM in mid-turn, another server on the same port',
    'the turn ends on the old server; reconnects at the next',
    { codex: patient, server: { flags: slowly } },
    async (session) => {
      const { stage, appServer, thread } = session;
      await appServer.startTurn(thread, 'Run the command.');
      await stage.proxy.until(() => hasSaid(stage, 'response.output_text.delta'));
      const restarted = stage.restart();
      const first = await appServer.endOfTurn();
      const exitCode = await restarted;
      const said = [...first, ...(await runTurn(session, 'Go on.'))];
      return { said, checks: [trafficIs(session, resumed), ...drainChecks(session, exitCode)] };
    },
  ),
  story(
    'SIGTERM in the middle of a call, another server on the same port',
    'the call ends, its output finds the new server; runs once',
    { codex: patient, server: { flags: slowly } },
    async (session) => {
      const { stage, appServer, thread } = session;
      await appServer.startTurn(thread, 'Run the command.');
      await stage.proxy.until(() => hasSaid(stage, 'response.function_call_arguments.delta'));
      const exitCode = await stage.restart();
      const first = await appServer.endOfTurn();
      const said = [...first, ...(await runTurn(session, 'Go on.'))];
      return { said, checks: drainChecks(session, exitCode) };
    },
  ),
  cutStory('a message', 'response.output_text.delta', 'warm +3 +1 | 6 +1'),
  cutStory('a call', 'response.function_call_arguments.delta', 'warm +3 | 4 +1 +1'),
  story(
    'the person interrupts the turn',
    'drops the socket; the server stops the engine',
    { codex: noRetries, server: { flags: ['--scripted-rate', '4'] } },
    async (session) => {
      const { stage, appServer, thread } = session;
      await runTurn(session, 'Run the command.');
      const turn = await appServer.startTurn(thread, 'Go on.');
      await stage.proxy.until(() => stage.proxy.requests.length === 4);
      await appServer.interruptTurn(thread, turn);
      await stage.proxy.until(() => stage.proxy.open === 0);
      const said = await runTurn(session, 'Go on.');
      const finished = (await stage.server.newTurns(4)).map(({ newItems }) => newItems);
      return {
        said: [messages[0], ...said],
        // Had the engine gone on for nobody, a turn of one item would have ended before the last one.
        checks: [check('the interrupted turn never ended', finished.join() === '1,3,1,10', finished)],
      };
    },
  ),
];

function story(fault: string, expected: string, setup: FaultSetup, tell: Story): FaultCase {
  return { fault, expected, play: (place) => play(place, setup, tell) };
}

/** The server has no time to finish: what it has said of the item in the middle of which it stops must leave no trace. */
function cutStory(what: string, delta: string, expectedTraffic: string): FaultCase {
  return story(
    `SIGTERM in ${what} with no time to finish (--drain-timeout-ms)`,
    'response.failed, then a retry in full on the new server',
    { codex: patient, server: { flags: [...slowly, '--drain-timeout-ms', '1'] } },
    async (session) => {
      const { stage, appServer, thread } = session;
      await appServer.startTurn(thread, 'Run the command.');
      await stage.proxy.until(() => hasSaid(stage, delta));
      const exitCode = await stage.restart();
      const first = await appServer.endOfTurn();
      const said = [...first, ...(await runTurn(session, 'Go on.'))];
      const failures = stage.proxy.events.filter(({ type }) => type === 'response.failed').map(({ code }) => code);
      return {
        said,
        checks: [
          trafficIs(session, expectedTraffic),
          check('one response.failed', failures.join() === 'server_is_draining', failures.join(' ')),
          check('the old server ends with 0', exitCode === 0, exitCode),
        ],
      };
    },
  );
}

async function play(place: Place, setup: FaultSetup, tell: Story): Promise<FaultReport> {
  await using stage = await FaultStage.open(place, setup);
  await using program = stage.codex.start(['app-server']);
  const appServer = await AppServer.open(program);
  const thread = await appServer.startThread(stage.codex.workFolder);
  const { said, checks = [] } = await tell({ stage, appServer, thread });
  const told = toldIn([...program.out, ...program.err].join('\n'));
  const commandRuns = stage.codex.commandRuns();
  return {
    seen: `${stage.traffic()}; closes ${stage.proxy.serverCloses.join(' ') || 'none'}; command ran ${commandRuns}x; told ${told}`,
    checks: [
      check('both turns end with their message', said.join() === messages.slice(0, 2).join(), said.join(' / ')),
      check('tells of no fall back', told !== 'falling back', told),
      check('the command ran once', commandRuns === 1, commandRuns),
      ...stage.checks(),
      ...checks,
    ],
  };
}

async function runTurn({ appServer, thread }: Session, text: string): Promise<string[]> {
  return await appServer.runTurn(thread, text);
}

function hasSaid({ proxy }: FaultStage, type: string): boolean {
  return proxy.events.some((event) => event.type === type);
}

function trafficIs({ stage }: Session, expected: string): Check {
  const traffic = stage.traffic();
  return check('traffic', traffic === expected, traffic);
}

function drainChecks({ stage: { proxy } }: Session, exitCode: number | null): Check[] {
  return [
    check('the old server ends with 0', exitCode === 0, exitCode),
    check('and closed with 1012', proxy.serverCloses[0] === 1012, proxy.serverCloses),
  ];
}
