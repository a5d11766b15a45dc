import { errors, type ProtocolError } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import type { Engine, EngineEvent } from '../../../src/engine/engine.ts';
import { createOpenAIChatEngine } from '../../../src/engine/openai-chat/openai-chat.ts';
import { createReplicatedEngine, type ReplicatedOptions } from '../../../src/engine/routing/replicated.ts';
import { createEchoEngine, type EchoCall } from '../../echo-engine.ts';
import { startTestServer, TestSocket } from '../../harness.ts';
import { say, startChatServer } from '../openai-chat/chat-server.ts';
import { tell, textOf, toGeneration } from '../openai-responses/chain.ts';

/** An echo engine that can be made to fail, before or after its first event. */
interface Replica {
  readonly engine: Engine;
  readonly calls: readonly EchoCall[];
  failure: { readonly error: ProtocolError; readonly after: 'nothing' | 'text' } | null;
}

function createReplica(name: string): Replica {
  const { engine: echo, calls } = createEchoEngine();
  const replica: Replica = {
    calls,
    failure: null,
    engine: {
      ...echo,
      name,
      async *generate(request, signal): AsyncGenerator<readonly EngineEvent[]> {
        const { failure } = replica;
        if (failure?.after === 'nothing') throw failure.error;
        if (failure) yield [{ type: 'text.delta', delta: 'So' }];
        if (failure) throw failure.error;
        yield* echo.generate(request, signal);
      },
    },
  };
  return replica;
}

const dead = errors.engineUnavailable('It is gone.');

function createPair(options: Partial<ReplicatedOptions> = {}) {
  const clock = { nowMs: 0 };
  const replicas = [createReplica('a'), createReplica('b')] as const;
  const engine = createReplicatedEngine({
    name: 'pair',
    replicas: replicas.map((replica) => replica.engine),
    now: () => clock.nowMs,
    ...options,
  });
  return { engine, replicas, clock };
}

function generations({ calls }: Replica): number {
  return calls.filter((call) => call.kind === 'generate').length;
}

function extended({ calls }: Replica): number[] {
  return calls.flatMap((call) => (call.kind === 'extend' ? [call.items] : []));
}

describe('replicas', () => {
  it('keep a chain where its state is', async () => {
    const { engine, replicas } = createPair();
    const first = await tell(engine, null, 'One.');
    const second = await tell(engine, first.context, 'Two.');
    expect(textOf(second.events)).toBe('user:One. | assistant | user:Two.');
    expect(replicas.map(generations)).toEqual([2, 0]);
    expect(extended(replicas[1])).toEqual([]);
  });

  it('tell what of a chain they hold as text', () => {
    const replicas = ['a', 'b'].map(
      (name) => createOpenAIChatEngine({ name, baseUrl: 'http://127.0.0.1:1/v1' }) as Engine,
    );
    const engine = createReplicatedEngine({ name: 'pair', replicas });
    const user = (content: string) => [{ type: 'message' as const, role: 'user' as const, content }];
    const first = engine.extend(null, user('One.'));
    const second = engine.extend(first, user('Two.'));
    const told = (since: typeof first | null) => Buffer.concat([...(engine.text?.(second, since) ?? [])]).toString();
    expect(told(null)).toBe('{"role":"user","content":"One."},{"role":"user","content":"Two."}');
    expect(told(first)).toBe('{"role":"user","content":"Two."}');
    const [, b] = replicas;
    first.prepared = { ...first.prepared, replica: { ...first.prepared.replica, engine: b as Engine } };
    expect(told(first)).toBe('');
  });

  it('share new chains by what each has to do', async () => {
    const { engine, replicas } = createPair();
    const running: AsyncIterator<unknown>[] = [];
    for (let turn = 0; turn < 4; turn++) {
      const request = toGeneration(engine, null, 'Hi.');
      const events = engine.generate(request, new AbortController().signal)[Symbol.asyncIterator]();
      await events.next();
      running.push(events);
    }
    expect(replicas.map(generations)).toEqual([2, 2]);
    for (const events of running) await events.return?.();
  });

  it('move a chain whose replica died, at the price of telling it once more, and leave it there', async () => {
    const { engine, replicas } = createPair();
    const first = await tell(engine, null, 'One.');
    replicas[0].failure = { error: dead, after: 'nothing' };
    const second = await tell(engine, first.context, 'Two.');
    expect(textOf(second.events)).toBe('user:One. | assistant | user:Two.');
    expect(extended(replicas[1])).toEqual([1, 1, 1, 1]);

    replicas[0].failure = null;
    const third = await tell(engine, second.context, 'Three.');
    expect(textOf(third.events)).toBe('user:One. | assistant | user:Two. | assistant | user:Three.');
    expect(replicas.map(generations)).toEqual([1, 2]);
    expect(extended(replicas[1])).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('do not begin a second time what the client has begun to read', async () => {
    const { engine, replicas } = createPair();
    replicas[0].failure = { error: dead, after: 'text' };
    await expect(tell(engine, null, 'One.')).rejects.toBe(dead);
    expect(generations(replicas[1])).toBe(0);
  });

  it('are not at fault for what the client got wrong', async () => {
    const { engine, replicas } = createPair();
    const wrong = errors.invalidRequest('No.');
    replicas[0].failure = { error: wrong, after: 'nothing' };
    await expect(tell(engine, null, 'One.')).rejects.toBe(wrong);
    expect(generations(replicas[1])).toBe(0);
  });

  it('hand a turn on that one is too busy for', async () => {
    const { engine, replicas } = createPair();
    replicas[0].failure = { error: errors.rateLimitExceeded('Slow down.', 1000), after: 'nothing' };
    expect(textOf((await tell(engine, null, 'One.')).events)).toBe('user:One.');
    expect(generations(replicas[1])).toBe(1);
  });

  it('are left alone while they fail, and tried again later', async () => {
    const { engine, replicas, clock } = createPair({ failuresToOpen: 1, cooldownMs: 100 });
    const [a, b] = replicas;
    const chain = await tell(engine, null, 'One.');
    a.failure = { error: dead, after: 'nothing' };
    await tell(engine, chain.context, 'Two.');
    a.failure = null;
    // A fork of what still lives on the first replica: its circuit is open, so the other one is asked.
    await tell(engine, null, 'New.');
    expect([a, b].map(generations)).toEqual([1, 2]);
    clock.nowMs = 100;
    b.failure = { error: dead, after: 'nothing' };
    await tell(engine, null, 'Newer.');
    expect([a, b].map(generations)).toEqual([2, 2]);
  });

  it('all dead: the client hears why, and soon', async () => {
    const { engine, replicas } = createPair({ failuresToOpen: 1 });
    for (const replica of replicas) replica.failure = { error: dead, after: 'nothing' };
    await expect(tell(engine, null, 'One.')).rejects.toBe(dead);
    await expect(tell(engine, null, 'One.')).rejects.toMatchObject({ entry: 'engine_unavailable' });
    expect(replicas.map(generations)).toEqual([0, 0]);
  });

  it('say which models there are as long as one of them can', async () => {
    const { engine, replicas } = createPair();
    const broken: Engine = { ...replicas[0].engine, models: () => Promise.reject(dead) };
    const half = createReplicatedEngine({ name: 'half', replicas: [broken, replicas[1].engine] });
    expect((await half.models()).map(({ id }) => id)).toEqual(['test-model']);
    await expect(createReplicatedEngine({ name: 'none', replicas: [broken] }).models()).rejects.toBe(dead);
    await engine.close();
  });

  it('warm up where the chain will go on', async () => {
    const { engine, replicas } = createPair();
    const request = toGeneration(engine, null, 'Long story.');
    expect(await engine.warm?.(request, new AbortController().signal)).toMatchObject({ inputTokens: 1 });
    await tell(engine, engine.extend(request.context, []), 'Go on.');
    expect(replicas[0].calls.map(({ kind }) => kind)).toContain('warm');
    expect(replicas.map(generations)).toEqual([1, 0]);
  });

  it('run no more at once than they may', async () => {
    const { engine } = createPair({ maxConcurrent: 1 });
    const texts = ['A.', 'B.', 'C.', 'D.', 'E.'];
    const told = await Promise.all(texts.map((text) => tell(engine, null, text)));
    expect(told.map(({ events }) => textOf(events))).toEqual(texts.map((text) => `user:${text}`));
  });
});

describe('two chat servers behind one name', () => {
  it('a client does not notice that one dies between its turns', async () => {
    const [a, b] = await Promise.all([startChatServer(), startChatServer()]);
    a.answer = say('From A.');
    b.answer = say('From B.');
    const replicas = [a, b].map(({ baseUrl }, index) => createOpenAIChatEngine({ name: `chat#${index}`, baseUrl }));
    await using server = await startTestServer({ engines: [createReplicatedEngine({ name: 'chat', replicas })] });
    using socket = await TestSocket.open(server.url);
    socket.create({ model: 'm', input: 'One.' });
    const first = await socket.response();
    expect(JSON.stringify(first.output)).toContain('From A.');

    await a.close();
    socket.create({ model: 'm', input: 'Two.', previous_response_id: first.id });
    const second = await socket.response();
    expect(second.status).toBe('completed');
    expect(JSON.stringify(second.output)).toContain('From B.');
    const { messages } = JSON.parse(b.asked.at(-1)?.body ?? '{}') as { messages: { content: string }[] };
    expect(messages.map(({ content }) => content)).toEqual(['One.', 'From A.', 'Two.']);
    await b.close();
  });
});
