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
  const earlyTimes = await playPart(early, rollout, mode, server);
  let before: TreeCpu = new Map();
  const lateTimes = await playPart(late, rollout, mode, server, () => (before = readTreeCpu(served.pid)));
  const between = readTreeCpu(served.pid);
  await playStreams(streams, stream, mode, { ...server, model: served.toModel(stream.name) });
  const after = readTreeCpu(served.pid);
  const tokens = streams * (stream.turns[0]?.outputTokens ?? 0);
  return {
    earlyMs: median(minus(earlyTimes, direct.early)),
    lateMs: median(minus(lateTimes, direct.late)),
    turnCpuMs: cpuBetween(before, between) / 1000 / lateTimes.length,
    tokenCpuUs: cpuBetween(between, after) / tokens,
  };
}

async function playDirect(wire: PeerWire, engineUrl: string, { rollout, early, late }: Programme): Promise<Direct> {
  if (wire === 'responses') {
    const server = { target: { url: `${engineUrl}/v1` }, model: rollout.name };
    return {
      early: await playPart(early, rollout, 'http-full', server),
      late: await playPart(late, rollout, 'http-full', server),
    };
  }
  using engine = new DirectEngine(engineUrl, rollout, 'text');
  const times: number[] = [];
  for (let turn = 0; turn < rollout.turns.length; turn++) times.push(await engine.turn(turn));
  const of = ({ first, count }: Part) => times.slice(first + unmeasured, first + count);
  return { early: of(early), late: of(late) };
}

function toWords(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return error instanceof TurnFailure ? `turn ${error.turn + 1}: ${words}` : words;
}

function minus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value - (b[index] ?? Number.NaN));
}
