import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Interruption, type Engine, type EngineEvent } from '../../../src/engine/engine.ts';
import type { ResponsesContext } from '../../../src/engine/openai-responses/context.ts';
import { tell, textOf, toGeneration } from './chain.ts';
import { createEngine, failure, inputOf } from './engines.ts';
import { inTurn, refuse, say, startResponsesServer, toEvents, type Behaviour } from './responses-server.ts';

/** Begins an answer and never ends it. */
const linger: Behaviour = ({ body }, send) => {
  send({ type: 'response.created', stream_id: body.stream_id, response: { id: 'resp_slow', output: [] } });
  send({ type: 'response.output_text.delta', stream_id: body.stream_id, output_index: 0, delta: 'So' });
};

async function abortAfterText(
  engine: Engine<ResponsesContext>,
  parent: ResponsesContext | null,
  reason: Error,
): Promise<EngineEvent[]> {
  const abort = new AbortController();
  const events: EngineEvent[] = [];
  for await (const batch of engine.generate(toGeneration(engine, parent, 'Stop.'), abort.signal)) {
    events.push(...batch);
    if (events.some((event) => event.type === 'text.delta')) abort.abort(reason);
  }
  return events;
}

const usage = { inputTokens: 10, cachedTokens: 4, outputTokens: 2, reasoningTokens: 0 };

describe('a chain over a socket', () => {
  it('sends only what is new, on the same lane, and keeps nothing upstream', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    const first = await tell(engine, null, 'One.', { instructions: 'Be brief.', max_tool_calls: 2 });
    const second = await tell(engine, first.context, 'Two.');
    await tell(engine, second.context, 'Three.');

    expect(textOf(second.events)).toBe('Hello.');
    expect(second.events.at(-1)).toEqual({ type: 'end', reason: 'stop', usage });
    expect(server.asked.map(({ socket }) => socket)).toEqual([1, 1, 1]);
    expect(new Set(server.asked.map(({ body }) => body.stream_id)).size).toBe(1);
    expect([0, 1, 2].map((index) => inputOf(server, index))).toEqual([['One.'], ['Two.'], ['Three.']]);
    expect(server.asked[0]?.body).toMatchObject({
      type: 'response.create',
      store: false,
      instructions: 'Be brief.',
      max_tool_calls: 2,
    });
    expect(server.asked[0]?.headers.authorization).toBe('Bearer sk-up');
    expect(server.asked[1]?.body.previous_response_id).toMatch(/^resp_up/);
    expect(server.asked[1]?.body).not.toHaveProperty('instructions');
  });

  it('tells the chain again when the upstream has forgotten it', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    const first = await tell(engine, null, 'One.');
    server.behaviour = inTurn(refuse(400, 'previous_response_not_found', 'previous_response_id'), say('Again.'));
    const second = await tell(engine, first.context, 'Two.');
    await tell(engine, second.context, 'Three.');

    expect(textOf(second.events)).toBe('Again.');
    expect([1, 2, 3].map((index) => inputOf(server, index))).toEqual([
      ['Two.'],
      ['One.', 'Hello.', 'Two.'],
      ['Three.'],
    ]);
    expect(server.asked[2]?.body).not.toHaveProperty('previous_response_id');
    expect(server.asked[2]?.socket).toBe(1);
  });

  it('tells the chain again on a new socket after a cut', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    const first = await tell(engine, null, 'One.');
    server.behaviour = inTurn((_asked, _send, cut) => cut(), say('Again.'));
    const second = await tell(engine, first.context, 'Two.');

    expect(textOf(second.events)).toBe('Again.');
    expect(inputOf(server, 2)).toEqual(['One.', 'Hello.', 'Two.']);
    expect(server.asked.map(({ socket }) => socket)).toEqual([1, 1, 2]);
  });

  it('never sends a turn again that the upstream had taken up', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = (_asked, send, cut) => {
      send({ type: 'response.created', response: { id: 'resp_cut', output: [] } });
      setImmediate(cut);
    };
    const error = await failure(tell(engine, null, 'One.'));
    expect(error.entry).toBe('engine_unavailable');
    expect(error.message).toBe("The engine 'up' broke off its answer.");
    expect(server.asked).toHaveLength(1);
  });

  it('leaves a socket whose age limit is reached', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    const first = await tell(engine, null, 'One.');
    server.behaviour = inTurn(refuse(400, 'websocket_connection_limit_reached'), say('Again.'));
    const second = await tell(engine, first.context, 'Two.');
    expect(textOf(second.events)).toBe('Again.');
    expect(server.asked.at(-1)?.socket).toBe(2);
    expect(inputOf(server, 2)).toEqual(['One.', 'Hello.', 'Two.']);
  });

  it('takes another socket before its own is too old', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { lifetimeMs: 30 });
    const first = await tell(engine, null, 'One.');
    const [socket] = server.sockets;
    // The retired socket closes by itself, since nothing runs on it.
    if (socket) await once(socket, 'close');
    await tell(engine, first.context, 'Two.');
    expect(server.asked.map((asked) => asked.socket)).toEqual([1, 2]);
    expect(inputOf(server, 1)).toEqual(['One.', 'Hello.', 'Two.']);
  });

  it('forks onto another lane while its own is busy, and tells the chain again once that has moved on', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { lanes: 32 });
    const first = await tell(engine, null, 'One.');
    const left = tell(engine, first.context, 'Left.');
    const right = tell(engine, first.context, 'Right.');
    await Promise.all([left, right]);
    await tell(engine, first.context, 'Late.');

    const [, second, third, fourth] = server.asked;
    expect(second?.body.previous_response_id).toBe(third?.body.previous_response_id);
    expect(third?.body.stream_id).not.toBe(second?.body.stream_id);
    expect(fourth?.body).not.toHaveProperty('previous_response_id');
    expect(inputOf(server, 3)).toEqual(['One.', 'Hello.', 'Late.']);
    expect(new Set(server.asked.map(({ socket }) => socket)).size).toBe(1);
  });

  it('gives the lane of a released chain to the next one', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { lanes: 32 });
    const first = await tell(engine, null, 'One.');
    engine.release(first.context);
    await tell(engine, null, 'Other.');
    expect(server.asked[1]?.body.stream_id).toBe(server.asked[0]?.body.stream_id);
  });

  it('takes the lane that was used longest ago when there is no other, and waits when all are busy', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { lanes: 1, maxSockets: 2 });
    const oldest = await tell(engine, null, 'Oldest.');
    await tell(engine, null, 'Newer.');
    const together = await Promise.all(['A.', 'B.', 'C.'].map((text) => tell(engine, null, text)));
    expect(together.map(({ events }) => textOf(events))).toEqual(['Hello.', 'Hello.', 'Hello.']);
    await tell(engine, oldest.context, 'Back.');
    expect(server.asked.map(({ socket }) => socket)).toEqual([1, 2, 1, 2, expect.any(Number), expect.any(Number)]);
    expect(inputOf(server, 5)).toEqual(['Oldest.', 'Hello.', 'Back.']);
  });
});

it('a reader that is slow loses nothing, and the socket waits for it', async () => {
  await using server = await startResponsesServer();
  await using engine = createEngine(server);
  const deltas = 20_000;
  const filler = 'x'.repeat(200);
  server.behaviour = ({ body }, send) => {
    const delta = { type: 'response.output_text.delta', stream_id: body.stream_id, output_index: 0, delta: filler };
    for (let sent = 0; sent < deltas; sent++) send(delta);
    send({ type: 'response.completed', stream_id: body.stream_id, response: { id: 'resp_long', status: 'completed' } });
  };
  const events = engine.generate(toGeneration(engine, null, 'Go.'), new AbortController().signal);
  let length = 0;
  let most = 0;
  for await (const batch of events) {
    most = Math.max(most, batch.length);
    for (const event of batch) if (event.type === 'text.delta') length += event.delta.length;
    // What comes while the reader is away piles up, but only so far.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(length).toBe(deltas * filler.length);
  expect(most).toBeLessThan(deltas / 4);
});

describe('lanes', () => {
  it('are found out with the first answer', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    await tell(engine, null, 'One.');
    await Promise.all([tell(engine, null, 'Two.'), tell(engine, null, 'Three.')]);
    expect(server.asked.map(({ socket }) => socket)).toEqual([1, 1, 1]);
  });

  it('are done without where they are not echoed', async () => {
    await using server = await startResponsesServer();
    server.behaviour = say('Hello.', { lanes: false });
    await using engine = createEngine(server);
    const first = await tell(engine, null, 'One.');
    await tell(engine, first.context, 'Two.');
    await Promise.all([tell(engine, null, 'A.'), tell(engine, null, 'B.')]);
    expect(server.asked.slice(1).every(({ body }) => body.stream_id === undefined)).toBe(true);
    expect(inputOf(server, 1)).toEqual(['Two.']);
    expect(new Set(server.asked.map(({ socket }) => socket)).size).toBe(3);
  });

  it('are done without where they are refused', async () => {
    await using server = await startResponsesServer();
    server.behaviour = inTurn(refuse(400, 'unknown_parameter', 'stream_id'), say('Hello.'));
    await using engine = createEngine(server);
    const { events } = await tell(engine, null, 'One.');
    expect(textOf(events)).toBe('Hello.');
    expect(server.asked[1]?.body).not.toHaveProperty('stream_id');
    expect(server.asked[1]?.socket).toBe(1);
  });

  it('of a full socket are taken from another', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { lanes: 32 });
    server.behaviour = inTurn(refuse(400, 'websocket_stream_limit_reached', 'stream_id'), say('Hello.'));
    const { events } = await tell(engine, null, 'One.');
    expect(textOf(events)).toBe('Hello.');
    expect(server.asked.map(({ socket }) => socket)).toEqual([1, 2]);
  });
});

describe('an abort', () => {
  it('closes a socket that serves nobody else', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = linger;
    const reason = new Error('gone');
    await expect(abortAfterText(engine, null, reason)).rejects.toBe(reason);
    const [socket] = server.sockets;
    if (socket) await once(socket, 'close');
    expect(server.sockets.size).toBe(0);
  });

  it('leaves the lane alone on a socket that serves others, and drops what still comes', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { lanes: 32 });
    const other = await tell(engine, null, 'Other.');
    server.behaviour = linger;
    await expect(abortAfterText(engine, null, new Error('gone'))).rejects.toThrow('gone');
    server.behaviour = say('Hello.');
    await tell(engine, other.context, 'On.');
    await tell(engine, null, 'New.');

    expect(inputOf(server, 2)).toEqual(['On.']);
    const lanes = server.asked.map(({ body }) => body.stream_id);
    expect(lanes[2]).toBe(lanes[0]);
    expect(lanes[3]).not.toBe(lanes[1]);
    const [socket] = server.sockets;
    // The left lane is free again after its terminal event.
    for (const event of toEvents('Late.')) socket?.send(JSON.stringify({ ...event, stream_id: lanes[1] }));
    const { events } = await tell(engine, null, 'After.');
    expect(textOf(events)).toBe('Hello.');
  });

  it('asks an upstream that knows response.cancel, and still tells the usage of an interrupted turn', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { acceptsCancel: true });
    server.behaviour = (asked, send, cut) => {
      linger(asked, send, cut);
      const [socket] = server.sockets;
      socket?.once('message', () => {
        const counts = { input_tokens: 7, output_tokens: 1 };
        const response = { id: 'resp_slow', status: 'incomplete', output: [], usage: counts };
        send({ type: 'response.incomplete', stream_id: asked.body.stream_id, response });
      });
    };
    const events = await abortAfterText(engine, null, new Interruption());
    expect(server.otherFrames).toEqual([{ type: 'response.cancel', response_id: 'resp_slow' }]);
    expect(events.at(-1)).toMatchObject({ type: 'end', usage: { inputTokens: 7, outputTokens: 1 } });
    expect(server.sockets.size).toBe(1);
  });

  it('ends the wait for a lane', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { lanes: 1, maxSockets: 1 });
    server.behaviour = linger;
    const busy = engine.generate(toGeneration(engine, null, 'Busy.'), new AbortController().signal);
    const iterator = busy[Symbol.asyncIterator]();
    await iterator.next();
    const abort = new AbortController();
    const waiting = tell(engine, null, 'Waiting.', {}, abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await iterator.return?.();
  });
});

describe('a warm-up', () => {
  it('anchors the chain upstream', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = ({ body }, send) => {
      const response = {
        id: 'resp_warm',
        status: 'completed',
        output: [],
        usage: { input_tokens: 9, output_tokens: 0 },
      };
      send({ type: 'response.completed', stream_id: body.stream_id, response });
    };
    const request = toGeneration(engine, null, 'Long story.');
    const counts = await engine.warm?.(request, new AbortController().signal);
    server.behaviour = say('Hello.');
    await tell(engine, engine.extend(request.context, []), 'Go on.');
    expect(counts).toMatchObject({ inputTokens: 9 });
    expect(server.asked[0]?.body).toMatchObject({ generate: false });
    expect(server.asked[1]?.body).toMatchObject({ previous_response_id: 'resp_warm' });
    expect(inputOf(server, 1)).toEqual(['Go on.']);
  });

  it('is nothing to an upstream that does not know it', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = refuse(400, null, 'generate');
    const counts = await engine.warm?.(toGeneration(engine, null, 'Hi.'), new AbortController().signal);
    expect(counts).toMatchObject({ inputTokens: 0 });
  });
});
