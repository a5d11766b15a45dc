/**
 * What kept state is worth: the time to the first token of a continued turn, against the same turn without state, in the embedded
 * engine and, where its binary is given, in front of llama-server.
 *
 *     node bench/engines.ts [--long] [--rounds 3] [--llama-server PATH] [--model FILE.gguf] [--json FILE]
 *
 * Without --model, a small random-weight model (6 layers of 384) is made for the run (models/random-gguf).
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { resolveSettings } from '@longwire/protocol';
import type { CreateRequest, Item } from '@longwire/protocol';
import type { Engine, EngineUsage, GenerateRequest } from '../packages/server/src/engine/engine.ts';
import { createLlamaServerEngine } from '../packages/server/src/engine/llama-server/llama-server.ts';
import { createLlamaEngine } from '../packages/server/src/engine/llama/llama.ts';

const { values: options } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    'llama-server': { type: 'string' },
    model: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(
    `npm run bench:engines -- [--rounds 3] [--long] [--llama-server PATH] [--model FILE.gguf] [--json FILE]

Time to the first token of a continued turn, against the same turn without state: the embedded engine, and llama-server where its
program is named. The model has random weights; --long adds 32,000 tokens of context (minutes a round).
`,
  );
  process.exit(0);
}

/** Tokens of context, and how many times faster a continued turn must begin there. */
const goals = [
  { tokens: 2048, atLeast: 15 },
  { tokens: 8192, atLeast: 60 },
  ...(options.long ? [{ tokens: 32_000, atLeast: 60 }] : []),
];
const commonWords = 'the of and to in is was for that on as with by at from his it an which be this are has'.split(' ');
/** Of the turn that is measured. */
const newWords = 24;
const threads = Math.max(1, availableParallelism() - 1);
const contextTokens = Math.max(...goals.map(({ tokens }) => tokens)) + 1024;

interface Timing {
  readonly milliseconds: number;
  readonly usage: EngineUsage;
}

interface Row {
  readonly engine: string;
  readonly contextTokens: number;
  readonly warmMs: number;
  readonly coldMs: number;
  /** Tokens that the continued turn evaluated. */
  readonly evaluated: number;
  /** Median of the rounds' own ratios. */
  readonly times: number;
  readonly atLeast: number;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'longwire-engines-'));
try {
  process.exitCode = await run();
} finally {
  rmSync(folder, { recursive: true });
}

async function run(): Promise<number> {
  const modelPath = options.model ?? makeModel();
  const rows: Row[] = [];
  // Memory for exactly one sequence: whatever another chain evaluates, the first one loses.
  const embedded = await createLlamaEngine({ modelPath, contextTokens, memoryBudgetBytes: 1, threads });
  rows.push(...(await measure('embedded', embedded)));
  await embedded.close();
  if (options['llama-server'] !== undefined) {
    await using server = await startLlamaServer(options['llama-server'], modelPath);
    const engine = createLlamaServerEngine({ name: 'llama-server', baseUrl: server.url });
    rows.push(...(await measure('llama-server', engine)));
    await engine.close();
  }
  console.log(toTable(rows));
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 2));
  return rows.every((row) => row.times >= row.atLeast) ? 0 : 1;
}

function makeModel(): string {
  const path = join(folder, 'random.gguf');
  const vocabulary = join(root, 'models/tiny-demo/tiny-demo.gguf');
  const shape = ['6', '384', '6', '6', '1024', String(contextTokens)];
  execFileSync(process.execPath, [join(root, 'models/random-gguf/mkrandom.mjs'), path, vocabulary, ...shape]);
  return path;
}

async function measure<Context>(name: string, engine: Engine<Context>): Promise<Row[]> {
  const rows: Row[] = [];
  await firstToken(engine, engine.extend(null, [user('Warm up.')]));
  for (const { tokens, atLeast } of goals) {
    const rounds: { warm: Timing; cold: Timing }[] = [];
    const length = await wordsFor(engine, tokens);
    const count = tokens > 10_000 ? 1 : Number(options.rounds);
    for (let round = 0; round < count; round += 1) {
      process.stderr.write(`${name}, ${tokens} tokens: round ${round + 1} of ${count}\n`);
      const history = [user(`Round ${round}. ${words(length, round)}`)];
      const question = [user(words(newWords, round + 7))];
      const base = engine.extend(null, history);
      await firstToken(engine, base);
      const warm = await firstToken(engine, engine.extend(base, question));
      // Another chain takes the sequence; then the same turn comes with its history as new.
      await firstToken(engine, engine.extend(null, [user('Something else altogether.')]));
      const cold = await firstToken(engine, engine.extend(engine.extend(null, history), question));
      rounds.push({ warm, cold });
    }
    const [last] = rounds.slice(-1);
    rows.push({
      engine: name,
      contextTokens: last?.warm.usage.inputTokens ?? 0,
      warmMs: median(rounds.map(({ warm }) => warm.milliseconds)),
      coldMs: median(rounds.map(({ cold }) => cold.milliseconds)),
      evaluated: (last?.warm.usage.inputTokens ?? 0) - (last?.warm.usage.cachedTokens ?? 0),
      times: median(rounds.map(({ warm, cold }) => cold.milliseconds / warm.milliseconds)),
      atLeast,
    });
  }
  return rows;
}

/** Words of which a user message makes so many tokens. */
async function wordsFor<Context>(engine: Engine<Context>, tokens: number): Promise<number> {
  const sample = 500;
  const request = await toRequest(engine, engine.extend(null, [user(words(sample, 1))]));
  const counted = (await engine.count?.(request, new AbortController().signal)) ?? sample;
  return Math.floor((tokens * sample) / counted);
}

/** Time to the first token: one token is asked for, since noise may not be text before it is several. */
async function firstToken<Context>(engine: Engine<Context>, context: Context): Promise<Timing> {
  const request = await toRequest(engine, context);
  const startedAt = performance.now();
  for await (const batch of engine.generate(request, new AbortController().signal)) {
    const end = batch.at(-1);
    if (end?.type === 'end') return { milliseconds: performance.now() - startedAt, usage: end.usage };
  }
  throw new Error('The engine stopped without an end.');
}

async function toRequest<Context>(engine: Engine<Context>, context: Context): Promise<GenerateRequest<Context>> {
  const requested: CreateRequest = { input: [], max_output_tokens: 1, temperature: 0 };
  const [model] = await engine.models();
  return {
    context,
    model: model?.id ?? '',
    preamble: { instructions: null, tools: [] },
    settings: resolveSettings(requested),
    requested,
    project: 'default',
    responseId: 'resp_bench',
  };
}

function words(count: number, seed: number): string {
  return Array.from(
    { length: count },
    (_, index) => commonWords[(index * 7 + seed * 3 + (index >> 4)) % commonWords.length],
  )
    .join(' ')
    .trim();
}

function user(content: string): Item {
  return { type: 'message', role: 'user', content };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function toTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.engine,
    String(row.contextTokens),
    String(row.evaluated),
    row.warmMs.toFixed(1),
    row.coldMs.toFixed(1),
    `${row.times.toFixed(1)}x`,
    row.times >= row.atLeast ? `>= ${row.atLeast}x` : `below ${row.atLeast}x`,
  ]);
  const head = ['engine', 'context', 'evaluated', 'continued ms', 'without state ms', 'faster', 'goal'];
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const toLine = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [toLine(head), toLine(widths.map((width) => '-'.repeat(width))), ...lines.map(toLine)].join('\n');
}

/** A llama-server with one slot; stopped at the end of the scope. */
async function startLlamaServer(binary: string, modelPath: string): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const flags = ['-m', modelPath, '--port', `${port}`, '-c', `${contextTokens}`, '-np', '1', '-t', `${threads}`];
  // Its cache in main memory would give the evicted chain back: the turn without state would have it all the same.
  flags.push('--cache-ram', '0');
  // On a CPU it makes short evaluations slower, and a turn's delta is short: the embedded engine goes without it too.
  flags.push('--flash-attn', 'off');
  const child = spawn(binary, flags, { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  };
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const health = await fetch(`${url}/health`).catch(() => null);
    if (health?.ok) return { url, [Symbol.asyncDispose]: stop };
    if (child.exitCode !== null) break;
    await wait(100);
  }
  await stop();
  throw new Error('llama-server did not start.');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
