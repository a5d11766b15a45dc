/** A sample of `npm run chaos`: faults of each kind, in both directions, at frames that the seed chooses. */
import { describe, expect, it } from 'vitest';
import { describeResult, listSeries, listSingleFaults, playCases, sampleCases } from './cases.ts';
import type { CaseResult } from './cases.ts';
import { laneNames } from './rollout.ts';
import { playTrial } from './trial.ts';
import type { Peer } from './trial.ts';

const seed = 6;
const perGroup = 2;
const series = 4;
const atOnce = 4;

describe.each<Peer>(['longwire', 'standIn'])('the rollout with %s', (peer) => {
  it('comes to its end on a good line', async () => {
    const { story, generations, creates, connections } = await playTrial(peer, {});
    expect(laneNames.map((name) => story.lanes[name].error)).toEqual([null, null, null, null]);
    expect([...story.toolRuns.values()]).toEqual(Array.from({ length: 24 }, () => 1));
    expect([generations.size, creates, connections.length]).toEqual([24, 24, 1]);
  });

  it('survives what goes wrong, or says what it does not know', async () => {
    const uncut = await playTrial(peer, {});
    const singles = sampleCases(listSingleFaults(peer, uncut), perGroup, seed);
    const results: CaseResult[] = [];
    const cases = [...singles, ...listSeries(peer, seed, series)];
    await playCases(cases, uncut, atOnce, (result) => results.push(result));
    expect(results.filter(({ flaws }) => flaws.length > 0).map(describeResult)).toEqual([]);
    expect(results.filter(({ isHit }) => isHit).length).toBeGreaterThan(0.9 * cases.length);
  });
});
