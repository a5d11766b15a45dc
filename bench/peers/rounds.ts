/** Rounds of all servers in random order, each right behind the engine called directly. */
import type { BenchMode } from '../../packages/server/src/cli/bench-driver.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import { DirectEngine } from '../engine/direct.ts';
import { median, shuffled } from '../figures.ts';
import type { Measured, Outcome } from './comparison.ts';
import { playPart, playStreams, TurnFailure, unmeasured, type Part } from './play.ts';
import type { Peer, PeerWire } from './peer.ts';
import { cpuBetween, readTreeCpu, type TreeCpu } from './process-tree.ts';
import type { Served } from './served.ts';

/** How often each turn is played in a round. */
const repeats = 3;

/** A server in one way of sending turns. */
interface Contender {
  readonly peer: Peer;
  readonly mode: BenchMode;
  readonly served: Served;
}

/** What is played. */
export interface Programme {
  readonly rollout: Rollout;
  readonly early: Part;
  readonly late: Part;
  readonly stream: Rollout;
  readonly streams: number;
}

/** Milliseconds of each measured turn without a server in between. */
interface Direct {
  readonly early: readonly number[];
  readonly late: readonly number[];
}

/** Plays `rounds` rounds and one before them that warms up. A server that fails a turn takes no further part in that mode. */
export async function playRounds(
  servers: readonly { readonly peer: Peer; readonly served: Served }[],
  engineUrl: string,
  programme: Programme,
  rounds: number,
  progress: (sentence: string) => void,
): Promise<Outcome[]> {
  const outcomes = servers.flatMap(({ peer, served }) =>
    peer.modes.map((mode) => ({ peer, mode, served, rounds: [] as Measured[], failure: null as string | null })),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const outcome of shuffled(outcomes.filter(({ failure }) => failure === null))) {
      const { peer, mode } = outcome;
      progress(`round ${round} of ${rounds}${round === 0 ? ' (warm-up)' : ''}: ${peer.title}, ${mode}`);
      const direct = await playDirect(peer.wire, engineUrl, programme);
      try {
        const measured = await playAll(outcome, programme, direct);
        if (round > 0) outcome.rounds.push(measured);
      } catch (error) {
        outcome.failure = toWords(error);
      }
    }
  }
  return outcomes.map(({ peer, mode, rounds: measured, failure }) => ({ peer, mode, rounds: measured, failure }));
}

async function playAll({ mode, served }: Contender, programme: Programme, direct: Direct): Promise<Measured> {
  const { rollout, early, late, stream, streams } = programme;
  const server = { target: served.target, model: served.toModel(rollout.name) };
  const readCpu = (): TreeCpu => readTreeCpu(served.pid);
  const earlyTimes = await playOften(() => playPart(early, rollout, mode, server));
  let turnCpuUs = 0;
  const lateTimes = await playOften(async () => {
    let before: TreeCpu = new Map();
    const times = await playPart(late, rollout, mode, server, () => (before = readCpu()));
    turnCpuUs += cpuBetween(before, readCpu());
    return times;
  });
  const before = readCpu();
  await playStreams(streams, stream, mode, { ...server, model: served.toModel(stream.name) });
  const tokens = streams * (stream.turns[0]?.outputTokens ?? 0);
  return {
    earlyMs: median(minus(earlyTimes, direct.early)),
    lateMs: median(minus(lateTimes, direct.late)),
    turnCpuMs: turnCpuUs / 1000 / (lateTimes.length * repeats),
    tokenCpuUs: cpuBetween(before, readCpu()) / tokens,
  };
}

async function playDirect(wire: PeerWire, engineUrl: string, { rollout, early, late }: Programme): Promise<Direct> {
  if (wire === 'responses') {
    const server = { target: { url: `${engineUrl}/v1` }, model: rollout.name };
    const play = (part: Part) => playOften(() => playPart(part, rollout, 'http-full', server));
    return { early: await play(early), late: await play(late) };
  }
  const times = await playOften(async () => {
    using engine = new DirectEngine(engineUrl, rollout, 'text');
    const all: number[] = [];
    for (let turn = 0; turn < rollout.turns.length; turn++) all.push(await engine.turn(turn));
    return all;
  });
  const of = ({ first, count }: Part) => times.slice(first + unmeasured, first + count);
  return { early: of(early), late: of(late) };
}

/** The same turns several times over, each counted at its fastest: what else a machine does only ever adds to a time. */
async function playOften(play: () => Promise<readonly number[]>): Promise<readonly number[]> {
  let fastest: readonly number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const times = await play();
    fastest = times.map((time, turn) => Math.min(time, fastest[turn] ?? time));
  }
  return fastest;
}

function toWords(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return error instanceof TurnFailure ? `turn ${error.turn + 1}: ${words}` : words;
}

function minus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value - (b[index] ?? Number.NaN));
}
