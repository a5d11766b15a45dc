/**
 * `node fuzz/main.ts [--inputs 1000000] [--seed N]`: hostile input over real sockets to a real server.
 *
 * Exit code 1 when anything was found; the input is then in `fuzz/findings/`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runCampaign, type Finding, type Progress } from './campaign.ts';
import type { Memory } from './child.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});
const inputs = Number(values.inputs);
const seed = Number(values.seed);

/** What the server may have grown by after a garbage collection. */
const growthBytes = 96 * 2 ** 20;
const progressMs = 5000;

const count = (number: number) => number.toLocaleString('en');
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const memoryOf = ({ rss, heapUsed }: Memory) => `${mebibytes(rss)} resident, ${mebibytes(heapUsed)} heap`;

let shownAt = 0;
function show({ inputs: fired, elapsedMs }: Progress): void {
  if (elapsedMs - shownAt < progressMs) return;
  shownAt = elapsedMs;
  const perSecond = (fired / elapsedMs) * 1000;
  process.stderr.write(`${count(fired)} of ${count(inputs)} inputs, ${count(Math.round(perSecond))} a second\n`);
}

function write({ reason, inputs: found, log }: Finding): string {
  const folder = new URL('findings/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`seed-${seed}.json`, folder);
  const texts = found.map((input) => (typeof input === 'string' ? input : { base64: input.toString('base64') }));
  writeFileSync(file, JSON.stringify({ seed, reason, inputs: texts, log }, null, 2));
  return `fuzz/findings/seed-${seed}.json`;
}

process.stderr.write(`seed ${seed}\n`);
const { finding, before, after, ...progress } = await runCampaign({ inputs, seed, onProgress: show });
console.log(
  `${count(progress.inputs)} inputs in ${(progress.elapsedMs / 1000).toFixed(1)} s: ` +
    `${count(progress.responses)} responses, ${count(progress.frames)} frames checked.`,
);
console.log(`Memory when warm: ${memoryOf(before)}. At the end: ${memoryOf(after)}.`);
const grown = after.rss - before.rss;
if (finding) console.log(`Found: ${finding.reason.split('\n', 1)[0]} (${write(finding)})`);
else if (grown > growthBytes) console.log(`Found: the server grew by ${mebibytes(grown)}.`);
else console.log('Nothing found.');
process.exitCode = finding || grown > growthBytes ? 1 : 0;
