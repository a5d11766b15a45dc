import { describe, expect, it } from 'vitest';
import { tell, textOf } from './chain.ts';
import { createEngine, failure, inputOf } from './engines.ts';
import { startResponsesServer } from './responses-server.ts';

describe('over HTTP', () => {
  it.each([404, 405, 426, 400])('answers a handshake refused with %i, and does not ask again', async (status) => {
    await using server = await startResponsesServer();
    server.refuseHandshake = status;
    await using engine = createEngine(server);
    const first = await tell(engine, null, 'One.');
    server.refuseHandshake = null;
    const second = await tell(engine, first.context, 'Two.');
    expect(server.asked.map(({ socket }) => socket)).toEqual([0, 0]);
    expect(textOf(second.events)).toBe('Hello.');
    expect(inputOf(server, 1)).toEqual(['One.', 'Hello.', 'Two.']);
    expect(server.asked[1]?.body).toMatchObject({ stream: true, store: false });
  });

  it('asks for a socket again after a while', async () => {
    let nowMs = 0;
    await using server = await startResponsesServer();
    server.refuseHandshake = 404;
    await using engine = createEngine(server, { refusalTtlMs: 1000, now: () => nowMs });
    const first = await tell(engine, null, 'One.');
    server.refuseHandshake = null;
    nowMs = 1000;
    await tell(engine, first.context, 'Two.');
    expect(server.asked.map(({ socket }) => socket)).toEqual([0, 1]);
    expect(inputOf(server, 1)).toEqual(['One.', 'Hello.', 'Two.']);
  });

  it('sends the earlier items byte for byte', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { transport: 'sse' });
    const first = await tell(engine, null, 'One. ✓');
    await tell(engine, first.context, 'Two.');
    const [one, two] = server.asked.map(({ body }) => JSON.stringify(body.input));
    expect(two?.startsWith(one?.slice(0, -1) ?? '?')).toBe(true);
  });

  it('is not taken with transport websocket', async () => {
    await using server = await startResponsesServer();
    server.refuseHandshake = 404;
    await using engine = createEngine(server, { transport: 'websocket' });
    expect((await failure(tell(engine, null, 'One.'))).entry).toBe('engine_unavailable');
    expect(server.asked).toHaveLength(0);
  });

  it('reports an answer that ends too early', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { transport: 'sse' });
    server.behaviour = (_asked, send, cut) => {
      send({ type: 'response.created', response: { id: 'r', output: [] } });
      setImmediate(cut);
    };
    expect((await failure(tell(engine, null, 'One.'))).entry).toBe('engine_unavailable');
  });
});
