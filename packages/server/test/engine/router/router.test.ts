import { errors } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { Router } from '../../../src/engine/router.ts';
import { createEchoEngine } from '../../echo-engine.ts';

function createEngine(name: string, ...models: readonly string[]): Engine {
  const list = models.map((id) => ({ id, created: 0, ownedBy: name }));
  return { ...createEchoEngine().engine, name, models: async () => list };
}

const down: Engine = {
  ...createEngine('down'),
  models: () => Promise.reject(errors.engineUnavailable('It is down.')),
};

describe('the router', () => {
  it('lists every model once, and leaves out engines that cannot tell', async () => {
    const router = new Router([createEngine('a', 'x', 'y'), down, createEngine('b', 'y', 'z')]);
    expect((await router.models()).map(({ id, ownedBy }) => [id, ownedBy])).toEqual([
      ['x', 'a'],
      ['y', 'a'],
      ['z', 'b'],
    ]);
  });

  it('keeps a chain with the engine that has its state, where it serves the model', async () => {
    const router = new Router([createEngine('a', 'x', 'y'), createEngine('b', 'y', 'z')]);
    const chosen = async (model: string, engine?: string) => (await router.route(model, engine)).engine.name;
    expect(await chosen('y')).toBe('a');
    expect(await chosen('y', 'b')).toBe('b');
    expect(await chosen('x', 'b')).toBe('a');
    expect(await chosen('y', 'gone')).toBe('a');
  });

  it('says which model is unknown, or why nothing can be known', async () => {
    await expect(new Router([createEngine('a', 'x')]).route('q')).rejects.toMatchObject({ entry: 'model_not_found' });
    await expect(new Router([down]).route('q')).rejects.toMatchObject({ entry: 'engine_unavailable' });
  });
});
