/**
 * `npm run chaos`: the rollout of four lanes and 24 tool calls, with every fault at every frame in both directions, against Longwire and
 * against a stand-in with no more than OpenAI's documented limits. `--sample N` plays N frames of each fault, `--seed N` chooses which,
 * `--peer longwire|standIn` one of the two, `--only WORDS` the faults with these words in their name. Exit code 1 when anything does not hold.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { describeResult, listSeries, listSingleFaults, playCases, sampleCases } from './cases.ts';
import type { CaseResult } from './cases.ts';
import { findFailures } from './flaws.ts';
import { laneNames } from './rollout.ts';
import { playTrial } from './trial.ts';
import type { Peer, Trial } from './trial.ts';

const { values } = parseArgs({
  options: {
    sample: { type: 'string', default: 'all' },
    seed: { type: 'string', default: '1' },
    series: { type: 'string', default: '200' },
    peer: { type: 'string', default: 'longwire,standIn' },
    only: { type: 'string', default: '' },
  },
});
const perGroup = values.sample === 'all' ? Infinity : toCount('sample', values.sample);
const seed = toCount('seed', values.seed);
const series = toCount('series', values.series);
/** Flaws are told one by one, up to so many. */
const maxTold = 20;

/** What a group of cases has come to. */
interface Tally {
  trials: number;
  flawed: number;
  /** Trials whose frame never came. */
  missed: number;
  /** Lanes that ended in the typed error. */
  lost: number;
  extraUpgrades: number;
  extraRequests: number;
}

let [played, flawed] = [0, 0];
for (const peer of ['longwire', 'standIn'] as const) {
  if (!values.peer.split(',').includes(peer)) continue;
  for (const tally of await play(peer)) {
    played += tally.trials;
    // A group of faults that hardly ever happened has shown nothing.
    flawed += tally.flawed + (tally.missed > tally.trials / 4 ? tally.missed : 0);
  }
}
if (played === 0)
  throw new Error('Nothing was played: --peer is longwire or standIn, --only a part of a name in the table.');
console.log(flawed === 0 ? `All of it holds, ${played} times.` : `${flawed} of ${played} trials do not hold.`);
process.exitCode = flawed === 0 ? 0 : 1;

function toCount(name: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new Error(`--${name} needs a whole number.`);
}

async function play(peer: Peer): Promise<Iterable<Tally>> {
  const uncut = await playTrial(peer, {});
  const failures = findFailures(uncut);
  if (failures.length > 0) throw new Error(`${peer} fails on a good line: ${failures.join('; ')}`);
  const [frames] = uncut.connections;
  console.log(`${peer}: ${uncut.creates} requests, ${frames?.up} frames up, ${frames?.down} down`);
  const singles = sampleCases(listSingleFaults(peer, uncut), perGroup, seed);
  const cases = [...singles, ...listSeries(peer, seed, series)].filter(({ group }) => group.includes(values.only));
  const tallies = new Map<string, Tally>();
  let [done, told] = [0, 0];
  await playCases(cases, uncut, 2 * availableParallelism(), (result) => {
    done += 1;
    tellProgress(done, cases.length);
    count(tallies, result, uncut);
    if (result.flaws.length > 0 && ++told <= maxTold) console.log(describeResult(result));
  });
  console.log(renderTallies(tallies));
  return tallies.values();
}

/** In place on a terminal, a line for every tenth elsewhere. */
function tellProgress(done: number, all: number): void {
  const text = `${done} of ${all}`;
  if (process.stderr.isTTY) process.stderr.write(done === all ? '\r\u001B[K' : `\r\u001B[K${text}`);
  else if (Math.floor((10 * done) / all) > Math.floor((10 * (done - 1)) / all)) process.stderr.write(`${text}\n`);
}

function count(tallies: Map<string, Tally>, { case: { group }, trial, flaws, isHit }: CaseResult, uncut: Trial): void {
  const tally = tallies.get(group) ?? { trials: 0, flawed: 0, missed: 0, lost: 0, extraUpgrades: 0, extraRequests: 0 };
  tallies.set(group, tally);
  tally.trials += 1;
  if (flaws.length > 0) tally.flawed += 1;
  if (!isHit) tally.missed += 1;
  if (trial === null) return;
  tally.lost += laneNames.filter((name) => trial.story.lanes[name].error !== null).length;
  tally.extraUpgrades = Math.max(tally.extraUpgrades, trial.connections.length - uncut.connections.length);
  tally.extraRequests = Math.max(tally.extraRequests, trial.creates - uncut.creates);
}

function renderTallies(tallies: ReadonlyMap<string, Tally>): string {
  const rows = [...tallies].map(([group, { trials, flawed, missed, lost, extraUpgrades, extraRequests }]) =>
    [
      group.padEnd(20),
      ...[trials, flawed, missed, lost, extraUpgrades, extraRequests].map((figure) => String(figure).padStart(15)),
    ].join(''),
  );
  const heads = ['trials', 'flawed', 'not met', 'lanes lost', 'upgrades more', 'requests more'].map((head) =>
    head.padStart(15),
  );
  return [`${'fault'.padEnd(20)}${heads.join('')}`, ...rows, ''].join('\n');
}
