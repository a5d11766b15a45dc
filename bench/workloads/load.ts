/** A workload by its name or its path. */
import { fileURLToPath } from 'node:url';
import { readWorkload } from '../../packages/server/src/engine/scripted/workload.ts';
import { createCodingRollout, isCodingName, type Rollout } from './coding.ts';
import { createStream } from './stream.ts';

/** The real rollout that comes with the repository: 30 turns of a customer service, 27 tool calls. */
export const airlinePath = fileURLToPath(
  new URL('../../packages/server/test/fixtures/airline-27.jsonl', import.meta.url),
);

/** `coding-30`, `coding-90`, `coding-170` (each also `-brief`, with answers of a few tokens), `airline-27`, `stream-N` (one answer of N tokens), or the path of a file. */
export function loadWorkload(name: string): Rollout {
  const stream = /^stream-(\d+)$/.exec(name)?.[1];
  if (stream !== undefined) return createStream(name, Number(stream));
  if (isCodingName(name)) return createCodingRollout(name);
  const workload = readWorkload(name === 'airline-27' ? airlinePath : name);
  return { ...workload, gapsMs: workload.turns.map(() => 0) };
}
