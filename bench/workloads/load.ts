/** A workload by its name or its path. */
import { readWorkload } from '../../packages/server/src/engine/scripted/workload.ts';
import { createCodingRollout, isCodingName } from '../../packages/server/src/workloads/coding.ts';
import { isRolloutName, loadRollout, type Rollout } from '../../packages/server/src/workloads/rollouts.ts';
import { createStream } from './stream.ts';
import { prolong } from './prolonged.ts';

/**
 * A rollout that comes along (the coding ones also `-brief`, with answers of a few tokens), `stream-N` (one answer of N tokens), or the path of
 * a file; `NAME+N` goes on for N small turns.
 */
export function loadWorkload(name: string): Rollout {
  const [, start, turns] = /^(.+)\+(\d+)$/.exec(name) ?? [];
  if (start !== undefined) return prolong(loadWorkload(start), name, Number(turns));
  const stream = /^stream-(\d+)$/.exec(name)?.[1];
  if (stream !== undefined) return createStream(name, Number(stream));
  if (isRolloutName(name)) return loadRollout(name);
  if (isCodingName(name)) return createCodingRollout(name);
  const workload = readWorkload(name);
  return { ...workload, gapsMs: workload.turns.map(() => 0) };
}
