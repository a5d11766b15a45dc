/**
 * `node scripts/sessions.ts SHAPES.jsonl`: writes bench/workloads/sessions.jsonl, and prints which session is nearest to the rollout of the goals
 * and the table of docs/performance.md, whose picture it draws.
 *
 * SHAPES.jsonl has a header and a session a line, `{"id", "turns"}`; a turn is context tokens, new tokens, output tokens, milliseconds of the
 * model, milliseconds until the next input, and 1 where it ended with a tool call. They are taken from the traces that
 * packages/server/src/workloads/NOTICE names.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { toOutputPlot } from '../bench/suites/saving-plots.ts';
import { toClasses, type Quartiles } from '../bench/workloads/session-classes.ts';
import {
  distanceToReference,
  modelSaving,
  reference,
  toSums,
  type Session,
  type Sums,
} from '../bench/workloads/sessions.ts';
import { toSvgFile } from '../packages/server/src/cli/plot.ts';
import { maxContextTokens, toRollout, type Shape } from '../packages/server/src/workloads/coding.ts';

type RecordedTurn = readonly [
  context: number,
  fresh: number,
  output: number,
  apiMs: number,
  gapMs: number,
  call: 0 | 1,
];

const minCalls = 60;
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('Name the file of the sessions: node scripts/sessions.ts SHAPES.jsonl');

const [, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
const sessions = lines
  .map((line) => JSON.parse(line) as { id: string; turns: readonly RecordedTurn[] })
  .flatMap(({ id, turns }): Session[] => {
    const stretches = toStretches(turns).filter((stretch) => countCalls(stretch) >= minCalls && startsLow(stretch));
    const longest = stretches.toSorted((a, b) => b.length - a.length)[0];
    if (longest === undefined) return [];
    const begun = toStretches(turns.slice(0, reference.turns))[0] ?? [];
    return [
      { session: id, whole: sum(id, longest), beginning: begun.length === reference.turns ? sum(id, begun) : null },
    ];
  });
writeFileSync(
  new URL('../bench/workloads/sessions.jsonl', import.meta.url),
  `${sessions.map((session) => JSON.stringify(session)).join('\n')}\n`,
);
writeFileSync(new URL('../docs/saving-by-output.svg', import.meta.url), toSvgFile(toOutputPlot([])));

process.stdout.write(`${sessions.length} sessions. First ${reference.turns} turns, nearest first:\n`);
for (const session of sessions.toSorted((a, b) => distanceToReference(a) - distanceToReference(b)).slice(0, 5)) {
  const { session: id, beginning } = session;
  if (beginning === null) break;
  const output = Math.round(beginning.outputTokens / beginning.turns);
  const full = Math.round(beginning.fullBytes / 4 / beginning.turns);
  process.stdout.write(
    `${id}: distance ${distanceToReference(session).toFixed(3)}, ${beginning.calls} calls, ${output} tokens of output a turn, ${full} of text, ` +
      `${modelSaving(beginning, 0).toFixed(1)} % saved on loopback\n`,
  );
}

process.stdout.write('\n| output a turn | sessions | RTT 0 | 20 ms | 80 ms |\n|---|---|---|---|---|\n');
for (const { from, below, sessions: count, saving } of toClasses(sessions)) {
  const range = from === 0 ? `below ${below}` : below === Infinity ? `${from} and more` : `${from}–${below}`;
  const cells = [range, count, ...([0, 20, 80] as const).map((rttMs) => toText(saving[rttMs]))];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

function toText({ lower, median, upper }: Quartiles): string {
  return `${median.toFixed(0)} % (${lower.toFixed(0)}–${upper.toFixed(0)})`;
}

/** Parts between compactions: where a context falls to less than half of the largest one before it. */
function toStretches(turns: readonly RecordedTurn[]): RecordedTurn[][] {
  const stretches: RecordedTurn[][] = [];
  let largest = Infinity;
  for (const turn of turns) {
    if (turn[0] * 2 < largest) {
      stretches.push([]);
      largest = 0;
    }
    largest = Math.max(largest, turn[0]);
    stretches.at(-1)?.push(turn);
  }
  return stretches;
}

function countCalls(turns: readonly RecordedTurn[]): number {
  return turns.filter(([, , , , , call]) => call === 1).length;
}

/** Rollouts end at 105,000 tokens: one that began beyond has nothing left to grow. */
function startsLow([first]: readonly RecordedTurn[]): boolean {
  return first !== undefined && first[0] < maxContextTokens;
}

function sum(name: string, turns: readonly RecordedTurn[]): Sums {
  const sizes = turns.map(([context, , output, , gap, call]): Shape['turns'][number] => [context, output, gap, call]);
  return toSums(toRollout({ name, turns: sizes }));
}
