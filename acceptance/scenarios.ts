/** What Codex is made to do with a Longwire server, and what must be true of it (clients.md 3, 4). */
import { AppServer } from './app-server.ts';
import { check } from './checks.ts';
import type { Check } from './checks.ts';
import { Codex } from './codex.ts';
import type { CodexEvent, CodexRun } from './codex.ts';
import type { Longwire, LoggedTurn } from './longwire.ts';
import { messages, printed } from './workload.ts';

/** What a scenario works with. */
export interface Stage {
  readonly server: Longwire;
  /** Empty and its own. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** A story with checks. */
export interface Scenario {
  readonly title: string;
  readonly run: (stage: Stage) => Promise<Check[]>;
}

/** All of them, in order. */
export const scenarios: readonly Scenario[] = [
  { title: 'codex exec over the WebSocket: a tool round trip', run: (stage) => roundTrip(stage, 'websocket') },
  { title: 'codex exec over HTTP with server-sent events: the same', run: (stage) => roundTrip(stage, 'http') },
  { title: 'codex app-server: three turns of the user on one socket', run: threeTurns },
];

async function roundTrip(stage: Stage, transport: 'websocket' | 'http'): Promise<Check[]> {
  const codex = new Codex(stage.folder, stage.server, { transport }, stage.signal);
  const run = await codex.exec('Run the command.');
  // Over the socket a prewarm comes first.
  const expected = transport === 'websocket' ? 3 : 2;
  const turns = await stage.server.newTurns(expected);
  const sent = turns.map(({ newItems }) => newItems);
  const lastSent = sent.at(-1) ?? 0;
  const said = run.events.flatMap(({ item }) => (item?.type === 'agent_message' ? [item.text ?? ''] : []));
  const command = run.events.findLast(({ item }) => item?.type === 'command_execution')?.item;
  const complaints = stage.server.newComplaints();
  return [
    check('Codex exits with 0', run.exitCode === 0, run.exitCode),
    check('the command ran', isDone(command), command?.aggregated_output ?? 'no command'),
    check('its output went back', countPrinted(run.toolOutputs) === 1, `${run.toolOutputs.length} outputs`),
    check('the last message was printed', said.at(-1) === messages[0], said.join(' / ')),
    check('Codex tells of no fault', faultsOf(run) === '', faultsOf(run)),
    ...turnChecks(turns, transport),
    transport === 'websocket'
      ? check(
          'the tool output came by itself',
          sent.length === expected && lastSent === 1,
          `new items: ${sent.join(' ')}`,
        )
      : check('all came again', sent.length === expected && lastSent > (sent[0] ?? 0), `items: ${sent.join(' ')}`),
    check('the server complains of nothing', complaints.length === 0, complaints.join()),
  ];
}

async function threeTurns(stage: Stage): Promise<Check[]> {
  const codex = new Codex(stage.folder, stage.server, {}, stage.signal);
  await using program = codex.start(['app-server']);
  const appServer = await AppServer.open(program);
  const thread = await appServer.startThread(codex.workFolder);
  const said: string[] = [];
  for (const prompt of ['Run the command.', 'Go on.', 'Run it again.']) {
    said.push(...(await appServer.runTurn(thread, prompt)));
  }
  const turns = await stage.server.newTurns(6);
  const sent = turns.map(({ newItems }) => newItems);
  const outputs = codex.toolOutputs();
  const complaints = stage.server.newComplaints();
  return [
    check('the answers continue one another', said.join() === messages.join(), said.join(' / ')),
    check('both commands ran and went back', countPrinted(outputs) === 2, `${countPrinted(outputs)} outputs`),
    ...turnChecks(turns, 'websocket'),
    // With store:false a chain lives on its socket alone: whatever brings one item only has come by the same one.
    check('after the first, each brought one item', sent.join() === '1,3,1,1,1,1', `new items: ${sent.join(' ')}`),
    check('the server complains of nothing', complaints.length === 0, complaints.join()),
  ];
}

function turnChecks(turns: readonly LoggedTurn[], transport: string): Check[] {
  const transports = turns.map((turn) => turn.transport);
  const statuses = turns.map(({ status }) => status);
  return [
    check(`every turn came by ${transport}`, isEvery(transports, transport), transports.join(' ')),
    check('every turn completed', isEvery(statuses, 'completed'), statuses.join(' ')),
  ];
}

function isEvery(values: readonly string[], wanted: string): boolean {
  return values.length > 0 && values.every((value) => value === wanted);
}

function isDone(command: CodexEvent['item']): boolean {
  return command?.exit_code === 0 && command.aggregated_output?.trim() === printed;
}

/** How many of the outputs show that a shell ran the command. */
function countPrinted(outputs: readonly string[]): number {
  return outputs.filter((output) => output.includes(printed)).length;
}

/** Where Codex says that a transport failed it. */
function faultsOf({ text, events }: CodexRun): string {
  const told = events.flatMap(({ type, message, item }) =>
    type === 'error' ? [message ?? ''] : item?.type === 'error' ? [item.message ?? ''] : [],
  );
  const fallen = /falling back|reconnecting|stream disconnected/i.exec(text);
  return fallen ? [fallen[0], ...told].join(' / ') : '';
}
