/** What a server says or does, and what the client does about it (dossier J, K, N). The server is played by hand. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect, ConnectionLostError, createNetworkMemory, TurnTimeoutError } from '../src/index.ts';
import { answer, playFetch, refusal, toSse } from './peer.ts';
import type { Frame, PeerSocket } from './peer.ts';
import { connection, connectPlain, hello, number, open, peer, play, read } from './played.ts';

describe('a refused request is sent again', () => {
  test('on the same socket, once the time is over that the server asks for', async () => {
    const socket = await open();
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    socket.send(refusal('rate_limit_exceeded', 'Slow down.', undefined, { headers: { 'retry-after': '0.01' } }));
    expect(await socket.next()).toMatchObject({ input: 'one' });
    socket.send(...answer('resp_1', 'a'));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('with everything that was said, where the refusal made the server forget', async () => {
    const socket = await open();
    const lane = connection.lane();
    await play(socket, lane, 'one', 'resp_1');
    const turn = lane.create({ input: 'two' });
    await socket.next();
    socket.send(refusal('server_is_overloaded', 'Busy.'));
    expect(await socket.next()).toMatchObject({
      previous_response_id: null,
      input: [
        { type: 'message', role: 'user', content: 'one' },
        { type: 'message', role: 'assistant', content: [{ text: 'says resp_1' }] },
        { type: 'message', role: 'user', content: 'two' },
      ],
    });
    socket.send(...answer('resp_2', 'b'));
    await turn.response;
  });

  test('on a new socket, where the old one is too old; running turns of other lanes end on it', async () => {
    const socket = await open();
    const other = connection.lane('other').create({ input: 'long' });
    await socket.next();
    socket.send(...answer('resp_1', 'a', 'other').slice(0, 3));
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    socket.send(refusal('websocket_connection_limit_reached', 'Limit reached (60 minutes).'));
    const next = await peer.accept();
    expect(await next.next()).toMatchObject({ input: 'one' });
    next.send(...answer('resp_2', 'b'));
    await turn.response;
    socket.send(...answer('resp_1', 'a', 'other').slice(3));
    await other.response;
    expect((await socket.closed)[0]).toBe(1000);
  });

  test('on a socket of its own, where the server knows no lanes; so are all that follow', async () => {
    const socket = await open();
    const lanes = ['a', 'b'].map((name) => connection.lane(name));
    const first = lanes[0]?.create({ input: 'one' });
    expect(await socket.next()).toMatchObject({ stream_id: 'a' });
    socket.send(refusal('unknown_parameter', 'What is stream_id?', undefined, { param: 'stream_id' }));
    const own = await peer.accept();
    const request = await own.next();
    expect(request['stream_id']).toBeUndefined();
    own.send(...answer('resp_1', 'a'));
    await first?.response;
    const second = lanes[1]?.create({ input: 'two' });
    const another = await peer.accept();
    expect(await another.next()).toMatchObject({ input: 'two' });
    another.send(...answer('resp_2', 'b'));
    await second?.response;
  });

  test('on another socket, where this one has had too many lanes', async () => {
    const socket = await open();
    const turn = connection.lane('one-too-many').create({ input: 'one' });
    await socket.next();
    socket.send(refusal('websocket_stream_limit_reached', 'Too many.', 'one-too-many', { param: 'stream_id' }));
    const other = await peer.accept();
    expect(await other.next()).toMatchObject({ stream_id: 'one-too-many' });
    other.send(...answer('resp_1', 'a', 'one-too-many'));
    await turn.response;
  });

  test('not for ever', async () => {
    const socket = await open({ retry: { attempts: 2, baseMs: 1 } });
    const turn = connection.lane().create({ input: 'one' });
    for (let i = 0; i < 3; i++) {
      await socket.next();
      socket.send(refusal('server_is_overloaded', 'Busy.'));
    }
    await expect(turn.response).rejects.toMatchObject({ code: 'server_is_overloaded' });
    expect(socket.unread).toBe(0);
  });
});

describe('a server that refuses what only a Longwire knows', () => {
  const strict = (param: string | null, message: string) => refusal('unknown_parameter', message, undefined, { param });
  const plain = (input: string, lane: string) => ({ type: 'response.create', stream_id: lane, store: false, input });

  test.each([
    ['as a parameter', strict('longwire_seq', 'Unknown parameter.')],
    ['in its words', strict(null, "Extra inputs are not permitted: 'client_metadata.longwire_idempotency_key'.")],
  ])('%s gets each request once more without, and is not asked again', async (_, refused) => {
    const socket = await open({ resume: true });
    const lanes = ['a', 'b'].map((name) => connection.lane(name));
    const turns = lanes.map((lane) => lane.create({ input: `from ${lane.name}` }));
    for (const _turn of turns) {
      expect(await socket.next()).toMatchObject({
        longwire_seq: expect.any(Number) as number,
        client_metadata: { longwire_idempotency_key: expect.any(String) as string },
      });
    }
    // It does not say which lane it means.
    socket.send(refused, refused);
    expect([await socket.next(), await socket.next()]).toEqual([plain('from a', 'a'), plain('from b', 'b')]);
    socket.send(...answer('resp_a', 'a', 'a'), ...answer('resp_b', 'b', 'b'));
    for (const turn of turns) await turn.response;
    socket.close(1001, 'too old');
    await socket.closed;
    const later = connection.lane('c').create({ input: 'later' });
    const next = await peer.accept();
    expect(next.request.headers['longwire-resume']).toBeUndefined();
    expect(await next.next()).toEqual(plain('later', 'c'));
    next.send(...answer('resp_c', 'c', 'c'));
    await later.response;
  });

  test('and the plain request as well is not asked a third time', async () => {
    const socket = await open({ resume: true });
    const turn = connection.lane().create({ input: 'one', client_metadata: { mine: 'yes' } });
    await socket.next();
    socket.send(strict('client_metadata', 'Unknown parameter.'));
    expect(await socket.next()).toEqual({
      type: 'response.create',
      store: false,
      client_metadata: { mine: 'yes' },
      input: 'one',
    });
    socket.send(strict('client_metadata', 'Unknown parameter.'));
    await expect(turn.response).rejects.toMatchObject({ param: 'client_metadata' });
    expect(socket.unread).toBe(0);
  });

  test('that is a Longwire means the application', async () => {
    const socket = await open({ resume: true });
    socket.send({ ...hello, idempotency: true });
    const other = connection.lane('other').create({ input: 'two' });
    const turn = connection.lane().create({ input: 'one', client_metadata: { mine: 'yes' } });
    await socket.next();
    await socket.next();
    // It names the lane, except for the default one.
    const events = [strict('client_metadata.mine', 'Too long.'), ...answer('resp_2', 'b', 'other')];
    socket.send(...number(events));
    await expect(turn.response).rejects.toMatchObject({ param: 'client_metadata.mine' });
    await expect(other.response).resolves.toMatchObject({ id: 'resp_2' });
  });

  test('over HTTP gets the request once more without, too', async () => {
    const bodies: Frame[] = [];
    const networkMemory = createNetworkMemory();
    networkMemory.setNoSockets(new URL(peer.baseUrl).origin);
    await connectPlain({
      resume: true,
      networkMemory,
      fetch: playFetch(bodies, (body) =>
        'client_metadata' in body
          ? Response.json(strict('client_metadata', 'Unknown parameter.'), { status: 400 })
          : toSse(answer(`resp_${bodies.length}`, 'a')),
      ),
    });
    const lane = connection.lane();
    await lane.create({ input: 'one' }).response;
    await lane.create({ input: 'two' }).response;
    expect(bodies.map((body) => 'client_metadata' in body)).toEqual([true, false, false]);
  });
});

describe('sockets', () => {
  test('that close between turns are replaced when there is something to send', async () => {
    const socket = await open();
    const lane = connection.lane();
    await play(socket, lane, 'one', 'resp_1');
    socket.close(1001, 'too old');
    await socket.closed;
    const turn = lane.create({ input: 'two' });
    const next = await peer.accept();
    expect(await next.next()).toMatchObject({ previous_response_id: null, input: { length: 3 } });
    next.send(...answer('resp_2', 'b'));
    await turn.response;
    expect((await play(next, lane, 'three', 'resp_3'))['previous_response_id']).toBe('resp_2');
  });

  test('are one for each lane where that is known beforehand', async () => {
    const first = await open({ lanes: 'sockets' });
    const a = connection.lane('a').create({ input: 'one' });
    expect(await first.next()).toEqual({ type: 'response.create', store: false, input: 'one' });
    const b = connection.lane('b').create({ input: 'two' });
    const second = await peer.accept();
    expect(await second.next()).toMatchObject({ input: 'two' });
    // Each is answered where it asked, in whatever order.
    second.send(...answer('resp_2', 'b'));
    await expect(b.response).resolves.toMatchObject({ id: 'resp_2' });
    first.send(...answer('resp_1', 'a'));
    await expect(a.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('that were closed for what was sent on them are not tried again with it', async () => {
    const socket = await open({ resume: true, fallback: 'never' });
    socket.send({ ...hello, idempotency: true });
    const turn = connection.lane('big').create({ input: 'much' });
    await socket.next();
    socket.send(refusal('websocket_message_too_large', 'Too large.'));
    socket.close(1009, 'message too large');
    const error = await turn.response.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ code: 1009, cause: { code: 'websocket_message_too_large' } });
  });

  test.each([
    ['that tells why and closes', true, true],
    ['that only tells', true, false],
    ['that only closes', false, true],
  ])('of a server %s: what is too large goes over HTTP, the rest on to the next socket', async (_, tells, closes) => {
    const bodies: Frame[] = [];
    const socket = await open({
      resume: true,
      fetch: playFetch(bodies, () => toSse(answer('resp_big', 'a'))),
    });
    socket.send({ ...hello, idempotency: true });
    const small = connection.lane().create({ input: 'little' });
    const big = connection.lane('big').create({ input: 'much '.repeat(100) });
    await socket.next();
    await socket.next();
    if (tells) socket.send({ ...refusal('websocket_message_too_large', 'Too large.'), longwire_seq: 1 });
    if (closes) socket.close(1009, 'message too large');
    await expect(big.response).resolves.toMatchObject({ id: 'resp_big' });
    expect(bodies).toMatchObject([{ stream: true, input: 'much '.repeat(100) }]);
    const next = await peer.accept();
    next.send({ ...hello, idempotency: true });
    expect(await next.next()).toMatchObject({ input: 'little' });
    next.send(...number(answer('resp_small', 'b')));
    await expect(small.response).resolves.toMatchObject({ id: 'resp_small' });
  });
});

describe('silence', () => {
  const limitMs = 60_000;

  // Time goes on by itself, for pauses of a few milliseconds; limits are over when a test says so.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('before the first event ends the turn, and the lane goes on elsewhere', async () => {
    const socket = await open({ timeouts: { firstEventMs: limitMs } });
    const lane = connection.lane();
    const turn = lane.create({ input: 'one' });
    await socket.next();
    vi.advanceTimersByTime(limitMs);
    await expect(turn.response).rejects.toMatchObject({ name: 'TurnTimeoutError', limit: 'firstEvent', sent: true });
    const next = lane.create({ input: 'two' });
    const other = await peer.accept();
    await other.next();
    // What comes late has nobody.
    socket.send(...answer('resp_1', 'late'));
    other.send(...answer('resp_2', 'b'));
    await expect(next.response).resolves.toMatchObject({ id: 'resp_2' });
  });

  test('between events says what had come', async () => {
    const socket = await open({ timeouts: { stallMs: limitMs } });
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_1', 'a').slice(0, 5));
    await read(turn, 5);
    vi.advanceTimersByTime(limitMs);
    const error = await turn.response.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TurnTimeoutError);
    expect(error).toMatchObject({ limit: 'stall', responseId: 'resp_1', received: 5, items: [{ id: 'msg_resp_1' }] });
  });

  test('of a resumable connection makes it come back', async () => {
    const socket = await open({ resume: true, timeouts: { stallMs: limitMs } });
    socket.send(hello);
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    const events = number(answer('resp_1', 'a'));
    socket.send(...events.slice(0, 3));
    await read(turn, 3);
    vi.advanceTimersByTime(limitMs);
    const next = await peer.accept();
    expect(next.request.headers['longwire-resume']).toBe('T:3');
    next.send({ ...hello, resumed: true, received: 1 }, ...events.slice(3));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('before the server has said who it is leaves it to the next socket to say', async () => {
    const socket = await open({ resume: true, timeouts: { firstEventMs: limitMs } });
    const turn = connection.lane().create({ input: 'one' });
    const { longwire_seq: _, ...sent } = await socket.next();
    vi.advanceTimersByTime(limitMs);
    const next = await peer.accept();
    next.send({ ...hello, idempotency: true });
    const { longwire_seq: __, ...again } = await next.next();
    expect(again).toEqual(sent);
    next.send(...number(answer('resp_1', 'a')));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('the total may be limited too, waiting included', async () => {
    const socket = await open({ timeouts: { totalMs: limitMs } });
    const turns = ['one', 'two'].map((input) => connection.lane().create({ input }));
    await socket.next();
    vi.advanceTimersByTime(limitMs);
    for (const { response } of turns) {
      await expect(response).rejects.toMatchObject({ name: 'TurnTimeoutError', limit: 'total' });
    }
  });
});

describe('a frame that breaks on its way', () => {
  test.each([
    ['to us', (socket: PeerSocket) => socket.sendRaw('{"type":"response.output_text.delta","del'), 3],
    ['to the server', (socket: PeerSocket) => socket.send({ ...refusal('invalid_json', 'What?'), longwire_seq: 4 }), 4],
  ])('%s makes a resumable connection come back for it', async (_, spoil, received) => {
    const socket = await open({ resume: true });
    socket.send(hello);
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    const events = number(answer('resp_1', 'a'));
    socket.send(...events.slice(0, 3));
    spoil(socket);
    const next = await peer.accept();
    expect(next.request.headers['longwire-resume']).toBe(`T:${received}`);
    const rest = events.slice(3).map((event, index) => ({ ...event, longwire_seq: received + 1 + index }));
    next.send({ ...hello, resumed: true, received: 1 }, ...rest);
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('to a plain server is sent again, to the one lane that it can have been', async () => {
    const socket = await open();
    const turn = connection.lane('a').create({ input: 'one' });
    await socket.next();
    socket.send(refusal('invalid_json', 'What?'));
    expect(await socket.next()).toMatchObject({ stream_id: 'a', input: 'one' });
    socket.send(...answer('resp_1', 'a', 'a'));
    await turn.response;
  });
});

describe('events', () => {
  test('that come twice are taken once', async () => {
    const socket = await open();
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    const events = answer('resp_1', 'a');
    for (const event of events) socket.send(event, event);
    const seen = [];
    for await (const event of turn) seen.push(event);
    expect(seen).toEqual(events);
  });

  test('of another response to the same lane are not taken for the answer', async () => {
    const socket = await open();
    const lane = connection.lane();
    await play(socket, lane, 'one', 'resp_1');
    const turn = lane.create({ input: 'two' });
    await socket.next();
    const stray = { id: 'resp_x', status: 'in_progress', output: [], previous_response_id: 'resp_0' };
    socket.send({ type: 'response.created', sequence_number: 0, response: stray }, ...answer('resp_2', 'b'));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_2' });
  });

  test('of a request that came to the server twice are not those of the next, although both begin a chain', async () => {
    const socket = await open();
    const lane = connection.lane();
    await play(socket, lane, 'one', 'resp_1');
    const twin = answer('resp_twin', 'a').map((event) =>
      'response' in event
        ? { ...event, response: { ...(event['response'] as Frame), previous_response_id: null } }
        : event,
    );
    socket.send(...twin.slice(0, 2));
    // Frames come in order: when this turn has ended, the lane has heard of the twin.
    await play(socket, connection.lane('other'), 'two', 'resp_2');
    const turn = lane.create({ input: 'three', previous_response_id: null });
    await socket.next();
    socket.send(...twin.slice(2), ...answer('resp_3', 'b'));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_3' });
  });

  test('that nobody reads are bounded; the response comes all the same', async () => {
    const socket = await open({ maxUnreadBytes: 300 });
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_1', 'x'.repeat(300)));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
    const reading = (async () => {
      for await (const _ of turn);
    })();
    await expect(reading).rejects.toMatchObject({ name: 'UnreadEventsError' });
  });
});

test('options that cannot be are named', async () => {
  await open();
  const wrong = connect({ baseUrl: peer.baseUrl, timeouts: { stallMs: 0 } });
  await expect(wrong).rejects.toThrow('timeouts.stallMs must be a number above 0.');
});
