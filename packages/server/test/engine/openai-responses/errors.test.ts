import { describe, expect, it } from 'vitest';
import { tell } from './chain.ts';
import { createEngine, failure } from './engines.ts';
import { inTurn, refuse, say, startResponsesServer } from './responses-server.ts';

describe('errors', () => {
  it.each([
    [401, 'engine_unavailable'],
    [429, 'rate_limit_exceeded'],
  ])('a handshake refused with %i is %s', async (status, entry) => {
    await using server = await startResponsesServer();
    server.refuseHandshake = status;
    await using engine = createEngine(server);
    expect((await failure(tell(engine, null, 'One.'))).entry).toBe(entry);
    expect(server.asked).toHaveLength(0);
  });

  it.each([
    [400, 'context_length_exceeded', 'context_length_exceeded'],
    [404, 'model_not_found', 'model_not_found'],
    [429, 'rate_limit_exceeded', 'rate_limit_exceeded'],
    [503, 'server_is_overloaded', 'server_is_overloaded'],
    [400, null, 'invalid_request'],
  ] as const)('a request refused with %i %s is %s, and the lane goes on', async (status, code, entry) => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = inTurn(refuse(status, code), say('Hello.'));
    expect((await failure(tell(engine, null, 'One.'))).entry).toBe(entry);
    await tell(engine, null, 'Two.');
    expect(server.asked.map(({ socket }) => socket)).toEqual([1, 1]);
  });

  it('a failed response is what it failed with', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = ({ body }, send) => {
      const error = { code: 'invalid_prompt', message: 'No.' };
      const response = { id: 'resp_failed', status: 'failed', output: [], error };
      send({ type: 'response.failed', stream_id: body.stream_id, response });
    };
    expect((await failure(tell(engine, null, 'One.'))).entry).toBe('invalid_prompt');
  });

  it('nobody there is engine_unavailable', async () => {
    const server = await startResponsesServer();
    await server[Symbol.asyncDispose]();
    await using engine = createEngine(server);
    expect((await failure(tell(engine, null, 'One.'))).entry).toBe('engine_unavailable');
  });

  it('silence is engine_timeout', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server, { firstByteTimeoutMs: 20 });
    server.behaviour = () => {};
    expect((await failure(tell(engine, null, 'One.'))).entry).toBe('engine_timeout');
  });
});
