/** Retention in SQL: what is too old, then what is too much, a bounded piece at a time. */
import type { RetentionLimits } from '../store.ts';
import { read, step, write } from './executor.ts';
import type { Executor } from './executor.ts';

/** Chains that one call deletes at most: writers wait meanwhile. */
const chainsAtOnce = 64;
/** Beyond every date. */
const whenever = Number.MAX_SAFE_INTEGER;

/** One piece of work; true when there is more. */
export async function expire(executor: Executor, limits: RetentionLimits): Promise<boolean> {
  await write(executor, step('expire-events', { before: limits.eventsBefore }));
  await write(executor, step('expire-conversations', { before: limits.before }));
  if (await dropChains(executor, limits.before, chainsAtOnce)) return true;
  const [size] = await read(executor, 'measure', {});
  const responses = Number(size?.['responses']);
  const isTooMuch = responses > limits.maxResponses || Number(size?.['bytes']) > limits.maxBytes;
  // A few at a time where there are few: the last chain that fits must stay.
  const chains = Math.min(chainsAtOnce, Math.max(1, Math.floor(responses / 100)));
  return isTooMuch && dropChains(executor, whenever, chains);
}

async function dropChains(executor: Executor, before: number, chains: number): Promise<boolean> {
  const { rows } = await write(executor, step('expire-chains', { before, chains }));
  return rows.length > 0;
}
