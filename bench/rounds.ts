/** Rounds of a suite. Those that a busy machine disturbed are refused and played again. */
import { isQuiet, type Quietness } from './machine.ts';

/** What is played, and how often. */
export interface RoundPlan<Result> {
  /** Rounds that count. */
  readonly rounds: number;
  /** Asked before and after each round. */
  readonly measureQuietness: () => Promise<Quietness>;
  /** Before each round; round 0 is a warm-up, and does not count. */
  readonly announce: (round: string) => void;
  readonly play: () => Promise<Result>;
}

/** Rounds that count, and how many of them were disturbed. */
export interface PlayedRounds<Result> {
  readonly results: readonly Result[];
  readonly disturbed: number;
}

/** Rounds that are played at most, for each that counts: a machine that is never quiet must not hold a run up for ever. */
const triesPerRound = 2;

/** Plays until enough quiet rounds have been seen; where the machine allows too few, the least disturbed ones count too. */
export async function playRounds<Result>({
  rounds,
  measureQuietness,
  announce,
  play,
}: RoundPlan<Result>): Promise<PlayedRounds<Result>> {
  announce(`round 0 of ${rounds} (warm-up)`);
  await play();
  const played: { result: Result; spread: number; isQuiet: boolean }[] = [];
  const quiet = () => played.filter((each) => each.isQuiet).length;
  let before = await measureQuietness();
  while (quiet() < rounds && played.length < rounds * triesPerRound) {
    const refused = played.length - quiet();
    announce(`round ${quiet() + 1} of ${rounds}${refused > 0 ? `, ${refused} refused` : ''}`);
    const result = await play();
    const after = await measureQuietness();
    played.push({ result, spread: Math.max(before.spread, after.spread), isQuiet: isQuiet(before) && isQuiet(after) });
    before = after;
  }
  const kept = played.toSorted((a, b) => Number(b.isQuiet) - Number(a.isQuiet) || a.spread - b.spread).slice(0, rounds);
  return { results: kept.map(({ result }) => result), disturbed: kept.filter((each) => !each.isQuiet).length };
}

/** What a reader must know of rounds that count although the machine did other things meanwhile. */
export function toRoundNotes(name: string, { results, disturbed }: PlayedRounds<unknown>): string[] {
  if (disturbed === 0) return [];
  return [
    `${disturbed} of ${results.length} rounds of the ${name} ran on a busy machine (echo p99 over 3x its least), and no quieter ones came: trust ratios only.`,
  ];
}
