import { errors } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { createLlamaEngine } from '../../src/engine/llama/llama.ts';
import { tinyDemo } from '../../src/engine/llama/demo.ts';
import { createReplicatedEngine } from '../../src/engine/routing/replicated.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { TestSocket } from '../harness.ts';
import { scrape, series, startCountingServer } from './scrape.ts';

function createDying(name: string): Engine {
  const { engine } = createEchoEngine();
  const generate = async function* (): AsyncGenerator<never> {
    throw errors.engineUnavailable('It is gone.');
  };
  return { ...engine, name, generate };
}

describe('metrics of engines', () => {
  it('tell replicas: which were tried, what came of it, and whose circuit is open', async () => {
    const { engine: echo } = createEchoEngine();
    const engine = createReplicatedEngine({
      name: 'pair',
      replicas: [createDying('pair#1'), { ...echo, name: 'pair#2' }],
      failuresToOpen: 2,
      now: () => 0,
    });
    await using server = await startCountingServer({ engines: [engine as Engine] });
    using socket = await TestSocket.open(server.url);
    for (let turn = 0; turn < 3; turn++) {
      socket.create({});
      await socket.response();
    }
    const metrics = await scrape(server);
    const attempts = series(metrics, 'longwire_replica_attempts_total');
    expect(attempts).toEqual(['pair pair#1 failed 2', 'pair pair#2 answered 3']);
    expect(series(metrics, 'longwire_replica_circuit')).toEqual(['pair pair#1 open 1', 'pair pair#2 closed 1']);
    expect(series(metrics, 'longwire_replica_turns')).toEqual([]);
    expect(series(metrics, 'longwire_turns_total')).toEqual(['pair test-model websocket completed 3']);
  });

  it('tell an engine that does not answer', async () => {
    const { engine } = createEchoEngine();
    const down = { ...engine, name: 'down', models: () => Promise.reject(errors.engineUnavailable('It is gone.')) };
    await using server = await startCountingServer({ engines: [engine, down] });
    const metrics = await scrape(server);
    expect([
      metrics.value('longwire_engine_up', { engine: 'echo' }),
      metrics.value('longwire_engine_up', { engine: 'down' }),
    ]).toEqual([1, 0]);
  });

  it('tell the KV sequences of the embedded engine', async () => {
    const engine = await createLlamaEngine({ ...tinyDemo, seed: 1 });
    await using server = await startCountingServer({ engines: [engine as Engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ model: 'tiny-demo', input: 'Hello!', max_output_tokens: 8 });
    const { id } = await socket.response();
    socket.create({ model: 'tiny-demo', input: 'And now?', previous_response_id: id, max_output_tokens: 8 });
    await socket.response();
    const metrics = await scrape(server);
    expect(series(metrics, 'longwire_sequence_leases_total')).toEqual([
      'llama:tiny-demo llama:tiny-demo continued 1',
      'llama:tiny-demo llama:tiny-demo fresh 1',
    ]);
    const labels = { engine: 'llama:tiny-demo', model: 'tiny-demo' };
    expect(metrics.value('longwire_tokens_total', { ...labels, type: 'cached' })).toBeGreaterThan(0);
    const states = series(metrics, 'longwire_sequences').map((line) => line.split(' ').at(-2));
    expect(states).toContain('held');
  });
});
