/** One play of the rollout over a line on which something goes wrong. */
import { connect } from '@longwire/client';
import { createFate } from '../../src/chaos/plan.ts';
import type { Plan } from '../../src/chaos/plan.ts';
import { startChaosProxy } from '../../src/chaos/proxy.ts';
import type { ConnectionRecord } from '../../src/chaos/proxy.ts';
import { startTestServer } from '../harness.ts';
import { createRolloutEngines, playRollout } from './rollout.ts';
import type { RolloutStory } from './rollout.ts';

/** What is on the other side of the line. `standIn`: no more than what OpenAI documents (docs/decisions/0014). */
export type Peer = 'longwire' | 'standIn';

/** How a play went. */
export interface Trial {
  readonly story: RolloutStory;
  /** How often a model was asked for each turn of a lane. */
  readonly generations: ReadonlyMap<string, number>;
  /** `response.create` frames that the client sent, the lost ones included. */
  readonly creates: number;
  readonly connections: readonly ConnectionRecord[];
}

/** Flags that leave what OpenAI documents: neither resumable connections nor idempotency keys. */
export const standInFlags: readonly string[] = ['--resume-grace-ms', '0', '--idempotency-window-ms', '0'];

/** What the client takes for a dead line. Only a stall needs that; elsewhere a busy machine must not be taken for one. */
const [shortSilenceMs, longSilenceMs] = [1500, 20_000];
/** Long enough for a loaded machine; only a client or server that waits for nothing gets there. */
const hangsAfterMs = 30_000;

/** Plays the rollout. Throws when it hangs. */
export async function playTrial(peer: Peer, plan: Partial<Plan>): Promise<Trial> {
  const generations = new Map<string, number>();
  let creates = 0;
  const engines = createRolloutEngines((turn) => generations.set(turn, (generations.get(turn) ?? 0) + 1));
  await using server = await startTestServer({ engines, flags: peer === 'standIn' ? standInFlags : [] });
  const fate = createFate({ faults: [], refusals: [], random: null, ...plan });
  await using proxy = await startChaosProxy({
    target: new URL(server.url),
    isReadable: true,
    refusalOf: (connection) => fate.refusalOf(connection),
    judge: (place, frame) => {
      if (place.direction === 'up' && isCreate(frame.payload().toString())) creates += 1;
      return fate.faultAt(place);
    },
  });
  const hasStall = plan.faults?.some(({ fault }) => fault.kind === 'stall') ?? false;
  const silenceMs = hasStall ? shortSilenceMs : longSilenceMs;
  const connection = await connect({
    baseUrl: proxy.url,
    timeouts: { firstEventMs: silenceMs, stallMs: silenceMs },
    retry: { baseMs: 1, maxMs: 10 },
    // A refused upgrade would be remembered by every trial after it.
    networkMemory: { hasNoSockets: () => false, setNoSockets: () => {} },
  });
  try {
    const story = await withDeadline(playRollout(connection));
    return { story, generations, creates, connections: proxy.connections };
  } finally {
    connection.close();
  }
}

function isCreate(text: string): boolean {
  return (JSON.parse(text) as { type: string }).type === 'response.create';
}

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  const timeUp = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeUp.reject(new Error(`It hangs: no end within ${hangsAfterMs} ms.`)), hangsAfterMs);
  return await Promise.race([work, timeUp.promise]).finally(() => clearTimeout(timer));
}
