/** What is asked of every server: the beginning and the end of a long rollout, and streams. */
import type { Item, OutputItem } from '@longwire/protocol';
import { toReplay } from '../../packages/server/src/cli/bench-answer.ts';
import {
  openDriver,
  type BenchMode,
  type BenchTarget,
  type Driver,
} from '../../packages/server/src/cli/bench-driver.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';

/** Some turns of a rollout, one after another on one connection. */
export interface Part {
  /** The rollout's turn that comes first: all before it comes along with it, as new. */
  readonly first: number;
  readonly count: number;
}

/** Whom to ask for what. */
export interface Asked {
  readonly target: BenchTarget;
  readonly model: string;
}

/** Turns that open connections, take in the history and fill caches: sent, and not measured. */
export const unmeasured = 4;

/** A turn that went wrong: the report names it. */
export class TurnFailure extends Error {
  readonly turn: number;

  constructor(turn: number, words: string) {
    super(words);
    this.turn = turn;
  }
}

const turnMs = 60_000;

/**
 * Plays a part; `onMeasured` is called when the unmeasured turns are done. Throws a `TurnFailure` with the server's words, also when an answer is
 * not the engine's.
 */
export async function playPart(
  part: Part,
  rollout: Rollout,
  mode: BenchMode,
  server: Asked,
  onMeasured: () => void = () => {},
): Promise<number[]> {
  const { instructions, tools } = rollout;
  const { target, model } = server;
  const driver = await openDriver(mode, target, { model, instructions, tools });
  const times: number[] = [];
  try {
    for (let at = part.first; at < part.first + part.count; at++) {
      if (at === part.first + unmeasured) onMeasured();
      times.push(await playTurn(driver, rollout, at, at === part.first ? historyBefore(rollout, at) : []));
    }
  } finally {
    driver.close();
  }
  return times.slice(unmeasured);
}

/** Streams of one answer, a connection each. */
export async function playStreams(count: number, rollout: Rollout, mode: BenchMode, server: Asked): Promise<void> {
  const { target, model } = server;
  for (let sent = 0; sent < count; sent++) {
    const driver = await openDriver(mode, target, { model, instructions: '', tools: [] });
    try {
      await playTurn(driver, rollout, 0, []);
    } finally {
      driver.close();
    }
  }
}

async function playTurn(driver: Driver, rollout: Rollout, at: number, history: readonly Item[]): Promise<number> {
  const turn = rollout.turns[at];
  if (!turn) throw new Error(`${rollout.name} has no turn ${at}.`);
  const answer = await within(turnMs, driver.turn([...history, ...turn.input])).catch((error: unknown) => {
    throw new TurnFailure(at, (error as Error).message);
  });
  const [said, expected] = [toSaid(answer.output), toSaid(turn.output)];
  if (said !== expected)
    throw new TurnFailure(
      at,
      `The answer is not the engine's: ${said.slice(0, 120)} in place of ${expected.slice(0, 120)}`,
    );
  return answer.totalMs;
}

/** All that was said before a turn, as a client tells it anew. */
export function historyBefore(rollout: Rollout, at: number): Item[] {
  return rollout.turns.slice(0, at).flatMap(({ input, output }) => [...input, ...(toReplay(output) as Item[])]);
}

/** What counts of an answer: its text and its calls, whatever the ids around them. */
export function toSaid(output: readonly OutputItem[]): string {
  return output
    .map((item) => {
      if (item.type === 'function_call') return `${item.name}(${item.arguments})`;
      if (item.type !== 'message') return '';
      return item.content.map((part) => (part.type === 'output_text' ? part.text : '')).join('');
    })
    .join('\n')
    .trim();
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No end within ${limitMs / 1000} s.`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
