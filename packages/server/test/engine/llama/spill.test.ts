/** States of the demo model put aside and brought back, on real evaluations. */
import { readdir } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { tinyDemo } from '../../../src/engine/llama/demo.ts';
import { createLlamaEngine } from '../../../src/engine/llama/llama.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { takeTurn, user } from '../token-chain/turns.ts';
import type { Turn } from '../token-chain/turns.ts';

const sequenceBytes = 1024 * 3072;
const engines: Engine<TokenContext>[] = [];
afterEach(async () => {
  for (const each of engines.splice(0)) await each.close();
});

/** The demo model with one sequence, so that each chain takes it from the other. */
async function createEngine(spillBudgetBytes: number): Promise<Engine<TokenContext>> {
  const options = { contextTokens: 1024, memoryBudgetBytes: sequenceBytes, threads: 1, spillBudgetBytes };
  const engine = await createLlamaEngine({ ...tinyDemo, ...options });
  engines.push(engine);
  return engine;
}

const questions = ['What is my name?', 'What is the capital of Japan?', 'What is my name?'];
const introductions = ['My name is Ada. '.repeat(12), 'My name is Tom. '.repeat(12)];

/** Two conversations in turns. */
async function converse(engine: Engine<TokenContext>): Promise<Turn[]> {
  const turns: Turn[] = [];
  const contexts: (TokenContext | null)[] = [null, null];
  for (const index of [0, 1, 2, 3]) {
    for (const side of [0, 1]) {
      const text = index === 0 ? (introductions[side] ?? '') : (questions[index - 1] ?? '');
      const turn = await takeTurn(engine, contexts[side] ?? null, [user(text)]);
      contexts[side] = turn.context;
      turns.push(turn);
    }
  }
  return turns;
}

const folders = async (): Promise<string[]> =>
  (await readdir('/dev/shm')).filter((name) => name.startsWith(`longwire-kv-${process.pid}-`));

it('says the same with states brought back as from scratch, and evaluates only what is new', async () => {
  const engine = await createEngine(16 * sequenceBytes);
  const turns = await converse(engine);
  const fresh = await converse(await createEngine(0));
  expect(turns.map(({ items }) => items)).toEqual(fresh.map(({ items }) => items));
  expect(turns.at(-2)?.text).toContain('Ada');
  expect(turns.at(-1)?.text).toContain('Tom');
  for (const [index, turn] of turns.entries()) {
    const before = turns[index - 2];
    if (before === undefined) continue;
    expect(turn.usage.cachedTokens).toBe(before.usage.inputTokens + before.usage.outputTokens);
    expect(fresh[index]?.usage.cachedTokens).toBeLessThan(8);
  }
});

it('keeps nothing of a chain that was let go, and no folder when it is closed', async () => {
  const engine = await createEngine(16 * sequenceBytes);
  const ada = await takeTurn(engine, null, [user(introductions[0] ?? '')]);
  await takeTurn(engine, null, [user(introductions[1] ?? '')]);
  const [folder] = await folders();
  const states = (): Promise<string[]> => readdir(`/dev/shm/${folder}`);
  expect(await states()).toHaveLength(1);
  for (let context: TokenContext | null = ada.context; context !== null; context = context.parent)
    engine.release(context);
  await expect.poll(states).toEqual([]);
  await engine.close();
  expect(await folders()).toEqual([]);
});
