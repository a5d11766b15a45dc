/**
 * What a rollout has to gain (G10, G11, O10). coding-87 has the proportions of the rollout on which a prototype saved 36 / 41 / 46 %, and is held
 * to those; coding-90 says twice as much a turn, and stands beside it with the goals that it always had.
 */
import { atLeast, type Goal } from './goal.ts';

const outputHint =
  'Its output at the pace of the model is most of the waiting, and no server shortens that: the floor is what was possible in this run.';
const overheadHint =
  'Where the floor is below the goal too, the model and the link leave no more; where it is not, the difference is ours.';
const roundTripsMs = [0, 20, 80];

export const savingGoals: readonly Goal[] = [
  {
    id: 'G10',
    goal: 'never slower than HTTP keep-alive with a text engine, in any scene that was played',
    figures: ['saving-text.'],
    which: 'worst',
    of: 'value',
    limit: atLeast(-2),
    hint: 'A text engine leaves only the way to save, 2 % on loopback: a busy machine moves both by more.',
  },
  ...toGoals('coding-87', [36, 41, 46], overheadHint),
  ...toGoals('coding-90', [30, 35, 40], outputHint),
  ...toGoals('coding-30', [20, 25, 35], outputHint),
  {
    id: 'G11',
    goal: 'coding-170, 1,000 tokens a second, every RTT that was played: at least 40 % saved',
    figures: inEveryLink('saving.coding-170', 1000),
    which: 'worst',
    of: 'value',
    limit: atLeast(40),
    hint: 'Its 282 tokens of output a turn are the larger part of the waiting on loopback.',
    isMoonshot: true,
  },
  {
    id: 'G11',
    goal: 'coding-87, 4,000 tokens a second, every RTT that was played: at least 45 % saved',
    figures: inEveryLink('saving.coding-87', 4000),
    which: 'worst',
    of: 'value',
    limit: atLeast(45),
    hint: overheadHint,
    isMoonshot: true,
  },
  {
    id: 'G11',
    goal: 'coding-87, 1,000 tokens a second, every RTT that was played: at least 35 % saved over previous_response_id on HTTP',
    figures: inEveryLink('saving-previous.coding-87', 1000),
    which: 'worst',
    of: 'value',
    limit: atLeast(35),
    hint: 'Over HTTP with previous_response_id nothing is uploaded twice: only the front end of the engine is saved.',
    isMoonshot: true,
  },
  {
    id: 'O10',
    goal: 'saving over what is possible, an engine with a front end: at least 90 % in every scene that was played',
    figures: ['coding-87', 'coding-90', 'coding-170'].flatMap((name) => inEveryLink(`saving.${name}`, 1000)),
    which: 'worst',
    of: 'ratio',
    limit: atLeast(0.9),
    hint: 'All ways of a scene share the machine: on a busy one our work waits for theirs, and a bare hop has less of it.',
  },
];

/** A workload at 1,000 tokens a second, on a link of 0, 20 and 80 ms. */
function toGoals(workload: string, percents: readonly [number, number, number], hint: string): Goal[] {
  return roundTripsMs.map((rttMs, index) => ({
    id: 'G11',
    goal: `${workload}, RTT ${rttMs} ms, 1,000 tokens a second: at least ${percents[index]} % saved`,
    figures: [toId(`saving.${workload}`, rttMs, 1000)],
    of: 'value',
    limit: atLeast(percents[index] ?? 0),
    hint,
  }));
}

function inEveryLink(kind: string, tokensPerSecond: number): string[] {
  return roundTripsMs.map((rttMs) => toId(kind, rttMs, tokensPerSecond));
}

/** How the figures of a scene begin whose engine has the published front end; pauses are left open. */
function toId(kind: string, rttMs: number, tokensPerSecond: number): string {
  return `${kind}.${rttMs}.${tokensPerSecond}.500000.`;
}
