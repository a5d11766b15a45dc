/**
 * `npm run bench`: what Longwire adds to a turn and to an event, and whether a turn's cost grows with its history.
 * Every round measures the floor and the server within the same seconds; what counts is the ratio.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createScriptedEngine } from '../packages/server/src/engine/scripted/scripted.ts';
import { readWorkload, type Workload } from '../packages/server/src/engine/scripted/workload.ts';
import { startChild } from './child.ts';
import { BenchSocket } from './client.ts';
import { median, toTable, type Figure } from './figures.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    turns: { type: 'string', default: '168' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(
    'npm run bench -- [--rounds 7] [--turns 168] [--json FILE]\n\n' +
      'Measures the server with its scripted engine against a bare ws echo server and against the engine called directly.\n',
  );
  process.exit(0);
}

const rounds = Number(options.rounds);
const turns = Number(options.turns);
const eventsPerTurn = 2000;
const echoes = 400;
const airline = fileURLToPath(new URL('../packages/server/test/fixtures/airline-27.jsonl', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'longwire-bench-'));

try {
  await run();
} finally {
  rmSync(folder, { recursive: true });
}

async function run(): Promise<void> {
  const manyPath = join(folder, 'many-events.jsonl');
  const text = 'word '.repeat((eventsPerTurn * 4) / 5);
  writeFileSync(manyPath, JSON.stringify(textTurn(text)));
  const workload = readWorkload(airline);

  const serve = ['serve', '--port', '0', '--store', 'off', '--log-level', 'silent', '--scripted'];
  const bin = '../packages/server/bin/longwire.mjs';
  await using floor = await startChild('./echo-server.ts');
  await using longwire = await startChild(bin, [...serve, airline]);
  await using many = await startChild(bin, [...serve, manyPath]);

  const echoUs: number[] = [];
  const turnUs: number[] = [];
  const engineUs: number[] = [];
  const bareEvents: number[] = [];
  const events: number[] = [];
  const early: number[] = [];
  const late: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    process.stderr.write(`\rround ${round} of ${rounds}${round === 0 ? ' (warm-up)' : '          '}`);
    const echo = await measureEcho(floor.url);
    const chain = await measureChain(longwire.url, workload);
    const direct = await measureEngine(workload);
    const bare = await measureBareEvents(floor.url);
    const sent = await measureEvents(many.url);
    if (round === 0) continue;
    echoUs.push(echo);
    turnUs.push(median(chain));
    engineUs.push(direct);
    bareEvents.push(bare);
    events.push(sent);
    early.push(median(chain.slice(2, 22)));
    late.push(median(chain.slice(-20)));
  }
  process.stderr.write('\n');

  const figures: Figure[] = [
    toFigure('bare ws echo, round trip', 'us', echoUs, null, '–'),
    toFigure('scripted engine called directly, one turn', 'us', engineUs, null, '–'),
    toFigure('turn over WebSocket, delta only', 'us', turnUs, echoUs, 'bare ws echo'),
    toFigure(
      'added per turn (turn − engine called directly)',
      'us',
      turnUs.map((value, round) => value - (engineUs[round] ?? 0)),
      echoUs,
      'bare ws echo',
    ),
    toFigure(`turns ${turns - 19}–${turns} of a chain`, 'us', late, early, 'turns 3–22 of the same chain'),
    toFigure('events, ready frames, one corked write', '/s', bareEvents, null, '–'),
    toFigure('events of a turn, encoded and numbered', '/s', events, bareEvents, 'ready frames'),
    toFigure('start-up to the printed URL', 'ms', [longwire.startMs, many.startMs], null, '–'),
  ];
  process.stdout.write(`${toTable(figures)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
}

function toFigure(name: string, unit: string, values: number[], floors: number[] | null, floorName: string): Figure {
  return { name, unit, floorName, rounds: values.map((value, round) => ({ value, floor: floors?.[round] ?? null })) };
}

async function measureEcho(url: string): Promise<number> {
  const socket = await BenchSocket.open(url, '/');
  const frame = JSON.stringify({ pad: 'x'.repeat(480) });
  const times: number[] = [];
  for (let sent = 0; sent < echoes; sent++) {
    const start = performance.now();
    await socket.request(frame, () => true);
    times.push((performance.now() - start) * 1000);
  }
  socket.close();
  return median(times);
}

/** Microseconds of each turn of one chain, the workload played over and over. */
async function measureChain(url: string, workload: Workload): Promise<number[]> {
  const socket = await BenchSocket.open(url);
  const times: number[] = [];
  let parent: string | undefined;
  for (let turn = 0; turn < turns; turn++) {
    const frame = JSON.stringify({
      type: 'response.create',
      model: workload.name,
      store: false,
      stream_options: { include_obfuscation: false },
      previous_response_id: parent,
      input: inputOf(workload, turn),
    });
    const start = performance.now();
    parent = (await socket.turn(frame)).responseId;
    times.push((performance.now() - start) * 1000);
  }
  socket.close();
  return times;
}

/** What a client sends in turn `turn` of a workload that is played over and over: calls left open at its end are answered. */
function inputOf(workload: Workload, turn: number): readonly unknown[] {
  const input = workload.turns[turn % workload.turns.length]?.input ?? [];
  if (turn === 0 || turn % workload.turns.length !== 0) return input;
  const open = workload.turns.at(-1)?.output.filter((item) => item.type === 'function_call') ?? [];
  return [...open.map(({ call_id }) => ({ type: 'function_call_output', call_id, output: 'Done.' })), ...input];
}

/** Microseconds that the scripted engine takes for the median turn, without any server. */
async function measureEngine(workload: Workload): Promise<number> {
  const engine = createScriptedEngine({ workload, rate: 'instant' });
  const times: number[] = [];
  let context = null;
  for (const turn of workload.turns) {
    const start = performance.now();
    context = engine.extend(context, turn.input);
    const request = { context, model: workload.name } as Parameters<typeof engine.generate>[0];
    for await (const batch of engine.generate(request, AbortSignal.any([]))) times.push(batch.length * 0);
    context = engine.extend(context, turn.output);
    times[times.length - 1] = (performance.now() - start) * 1000;
  }
  return median(times);
}

async function measureBareEvents(url: string): Promise<number> {
  const socket = await BenchSocket.open(url, '/');
  const event = {
    type: 'response.output_text.delta',
    item_id: `msg_${'0'.repeat(50)}`,
    output_index: 0,
    content_index: 0,
    delta: 'word',
    logprobs: [],
    sequence_number: 1000,
  };
  const frame = JSON.stringify({ frames: eventsPerTurn, text: JSON.stringify(event) });
  const rates: number[] = [];
  for (let sent = 0; sent < 20; sent++) {
    const start = performance.now();
    await socket.request(frame, (_text, count) => count === eventsPerTurn);
    rates.push(eventsPerTurn / ((performance.now() - start) / 1000));
  }
  socket.close();
  return median(rates);
}

async function measureEvents(url: string): Promise<number> {
  const socket = await BenchSocket.open(url);
  const frame = JSON.stringify({
    type: 'response.create',
    model: 'scripted',
    store: false,
    stream_options: { include_obfuscation: false },
    input: 'Go.',
  });
  const rates: number[] = [];
  for (let sent = 0; sent < 20; sent++) {
    const start = performance.now();
    const { frames } = await socket.turn(frame);
    rates.push(frames / ((performance.now() - start) / 1000));
  }
  socket.close();
  return median(rates);
}

function textTurn(text: string): object {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  return {
    kind: 'turn',
    input: [],
    output: [{ type: 'message', id: 'msg_0', role: 'assistant', status: 'completed', content }],
  };
}
