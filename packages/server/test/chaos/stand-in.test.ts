/** The stand-in for a server with no more than OpenAI documents (docs/decisions): what the suite plays against is what this holds it to. */
import { describe, expect, it } from 'vitest';
import { errors } from '@longwire/protocol';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { standInFlags } from './trial.ts';

function startStandIn(setup: Parameters<typeof startTestServer>[0] = {}) {
  return startTestServer({ ...setup, flags: standInFlags });
}

describe('the stand-in', () => {
  it('says nothing to a client that asks for a resumable connection, and numbers nothing', async () => {
    await using server = await startStandIn();
    using socket = await TestSocket.open(server.url, { headers: { 'longwire-resume': 'new' } });
    socket.create({});
    const frames = await socket.turn();
    expect(frames[0]?.type).toBe('response.created');
    expect(JSON.stringify(frames)).not.toContain('longwire');
  });

  it('runs a request again that comes again, whatever key it carries', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startStandIn({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const again = { client_metadata: { longwire_idempotency_key: 'once' } };
    socket.create(again);
    const first = await socket.response();
    socket.create(again);
    expect((await socket.response()).id).not.toBe(first.id);
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(2);
  });

  it('forgets a store:false chain with its socket', async () => {
    await using server = await startStandIn();
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const { id } = await socket.response();
    await socket.close();
    using other = await TestSocket.open(server.url);
    other.create({ previous_response_id: id });
    expect(await other.error()).toMatchObject({
      status: 400,
      error: {
        type: 'invalid_request_error',
        code: 'previous_response_not_found',
        message: `Previous response with id '${id}' not found.`,
        param: 'previous_response_id',
      },
    });
  });

  it('has 32 lanes, and names the one that is too many', async () => {
    await using server = await startStandIn();
    using socket = await TestSocket.open(server.url);
    for (let lane = 1; lane <= 33; lane++) socket.create({ stream_id: `lane-${lane}` });
    const refused = await socket.turn('lane-33');
    expect(refused).toMatchObject([
      {
        type: 'error',
        status: 400,
        stream_id: 'lane-33',
        error: {
          code: 'websocket_stream_limit_reached',
          message:
            'This WebSocket connection has reached its maximum number of distinct stream IDs (32). Reuse an existing stream_id or open a new WebSocket connection.',
          param: 'stream_id',
        },
      },
    ]);
  });

  it('runs 16 at once, and lets the 17th wait', async () => {
    const sixteen = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const { engine } = createEchoEngine({
      hold: async () => {
        running += 1;
        most = Math.max(most, running);
        if (running === 16) sixteen.resolve();
        await go.promise;
        running -= 1;
      },
    });
    await using server = await startStandIn({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    for (let lane = 1; lane <= 17; lane++) socket.create({ stream_id: `lane-${lane}` });
    await sixteen.promise;
    go.resolve();
    await socket.turn('lane-17');
    expect(most).toBe(16);
  });

  it('refuses the name of a lane in the documented words', async () => {
    await using server = await startStandIn();
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: '' });
    const refused = await socket.error();
    expect(refused).not.toHaveProperty('stream_id');
    expect(refused.error).toMatchObject({
      code: 'invalid_stream_id',
      message:
        "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain letters, numbers, underscores, hyphens, and periods.",
    });
  });

  it('ends after 60 minutes in the documented words', () => {
    // That the error comes, and when, is tested in test/transport/life.test.ts.
    expect(errors.connectionLimitReached(60)).toMatchObject({
      code: 'websocket_connection_limit_reached',
      message:
        'Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue.',
    });
  });
});
