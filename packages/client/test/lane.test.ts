import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServerEvent } from '@longwire/protocol';
import { connect, ConnectionLostError, ResponsesError } from '../src/index.ts';
import type { Connection, Lane, TurnStream } from '../src/index.ts';
import { answer, refusal, startPeer } from './peer.ts';
import type { Peer, PeerSocket } from './peer.ts';

let peer: Peer;
let connection: Connection;
let socket: PeerSocket;

beforeEach(async () => {
  peer = await startPeer();
  connection = await connect({ baseUrl: peer.baseUrl, resume: false });
  socket = await peer.accept();
});
afterEach(async () => {
  connection.close();
  await peer[Symbol.asyncDispose]();
});

async function typesOf(turn: TurnStream): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of turn) types.push(type);
  return types;
}

describe('a turn', () => {
  test('is a response.create on the default lane, not stored', async () => {
    const turn = connection.lane().create({ model: 'm', input: [{ role: 'user', content: 'hi' }] });
    expect(await socket.next()).toEqual({
      type: 'response.create',
      store: false,
      model: 'm',
      input: [{ role: 'user', content: 'hi' }],
    });
    socket.send(...answer('resp_1', 'hello'));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1', status: 'completed' });
  });

  test('yields its events up to the terminal one', async () => {
    const turn = connection.lane().create({ input: 'hi' });
    await socket.next();
    const events = answer('resp_1', 'hello');
    socket.send(...events);
    const seen: ServerEvent[] = [];
    for await (const event of turn) seen.push(event);
    expect(seen).toEqual(events);
  });

  test('is written down when it is created', async () => {
    const input = [{ role: 'user' as const, content: 'one' }];
    const lane = connection.lane();
    const first = lane.create({ input: 'first' });
    const second = lane.create({ input });
    input.push({ role: 'user', content: 'two' });
    await socket.next();
    socket.send(...answer('resp_1', 'a'));
    await first.response;
    expect(await socket.next()).toMatchObject({ input: [{ role: 'user', content: 'one' }] });
    socket.send(...answer('resp_2', 'b'));
    await second.response;
    expect(await lane.history()).toHaveLength(4);
  });

  test('that is no JSON is refused at once, and the lane goes on', async () => {
    const lane = connection.lane();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => lane.create({ input: 'one', metadata: cycle as Record<string, string> })).toThrow(TypeError);
    const turn = lane.create({ input: 'two' });
    expect(await socket.next()).toMatchObject({ input: 'two' });
    socket.send(...answer('resp_1', 'a'));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('that is iterated twice at a time leaves nobody waiting', async () => {
    const turn = connection.lane().create({ input: 'hi' });
    const readers = [typesOf(turn), typesOf(turn)];
    await socket.next();
    socket.send(...answer('resp_1', 'hello'));
    expect((await Promise.all(readers)).flat()).toHaveLength(answer('resp_1', '').length);
  });

  test('yields events as they come, before the turn has ended', async () => {
    const turn = connection.lane().create({ input: 'hi' });
    await socket.next();
    const [created, ...rest] = answer('resp_1', 'hello');
    socket.send(created ?? {});
    const events = turn[Symbol.asyncIterator]();
    expect((await events.next()).value).toEqual(created);
    socket.send(...rest);
    for (const event of rest) expect((await events.next()).value).toEqual(event);
    expect(await events.next()).toMatchObject({ done: true });
  });

  test('that nobody iterates any more still makes its response', async () => {
    const turn = connection.lane().create({ input: 'hi' });
    await socket.next();
    socket.send(...answer('resp_1', 'hello'));
    for await (const event of turn) if (event.type === 'response.created') break;
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('fills in the output that a sparse terminal event leaves out', async () => {
    const turn = connection.lane().create({ input: 'hi' });
    await socket.next();
    const events = answer('resp_1', 'hello').slice(0, -1);
    socket.send(...events, { type: 'response.completed', sequence_number: 5, response: { id: 'resp_1' } });
    expect((await turn.response).output).toMatchObject([{ id: 'msg_resp_1', content: [{ text: 'hello' }] }]);
  });

  test('that ends incomplete is no error and can be continued', async () => {
    const turn = connection.lane().create({ input: 'hi' });
    await socket.next();
    const events = answer('resp_1', 'hello').slice(0, -1);
    socket.send(...events, {
      type: 'response.incomplete',
      sequence_number: 5,
      response: { id: 'resp_1', status: 'incomplete', output: [] },
    });
    await expect(turn.response).resolves.toMatchObject({ status: 'incomplete' });
    expect(connection.lane().newest).toBe('resp_1');
  });
});

describe('continuation', () => {
  test('names the newest response of the lane, with the new items only', async () => {
    const lane = connection.lane();
    const first = lane.create({ input: 'one' });
    expect(await socket.next()).not.toHaveProperty('previous_response_id');
    socket.send(...answer('resp_1', 'a'));
    await first.response;
    const second = lane.create({ input: 'two' });
    expect(await socket.next()).toMatchObject({ previous_response_id: 'resp_1', input: 'two' });
    socket.send(...answer('resp_2', 'b'));
    await second.response;
    expect(lane.newest).toBe('resp_2');
  });

  test('null starts a new chain; an id forks', async () => {
    const lane = connection.lane();
    const first = lane.create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_1', 'a'));
    await first.response;
    const fresh = lane.create({ input: 'two', previous_response_id: null });
    expect(await socket.next()).not.toHaveProperty('previous_response_id');
    socket.send(...answer('resp_2', 'b'));
    await fresh.response;
    const fork = connection.lane('side').create({ input: 'three', previous_response_id: 'resp_2' });
    expect(await socket.next()).toMatchObject({ stream_id: 'side', previous_response_id: 'resp_2' });
    socket.send(...answer('resp_3', 'c', 'side'));
    await fork.response;
    expect([lane.newest, connection.lane('side').newest]).toEqual(['resp_2', 'resp_3']);
  });

  test('store and other settings are the request’s', async () => {
    const turn = connection.lane().create({ input: 'one', store: true, generate: false });
    expect(await socket.next()).toMatchObject({ store: true, generate: false });
    socket.send(...answer('resp_1', 'a'));
    await turn.response;
  });

  test('a turn waits for the one before it and continues that', async () => {
    const lane = connection.lane();
    const turns = [lane.create({ input: 'one' }), lane.create({ input: 'two' })];
    await socket.next();
    socket.send(...answer('resp_1', 'a'));
    // Had the second not waited, it would have come without its parent.
    expect(await socket.next()).toMatchObject({ input: 'two', previous_response_id: 'resp_1' });
    socket.send(...answer('resp_2', 'b'));
    await Promise.all(turns.map(({ response }) => response));
  });
});

describe('routing', () => {
  test('goes by stream_id, however the events of lanes interleave', async () => {
    const lanes = ['a', 'b'].map((name) => connection.lane(name));
    const turns = [...lanes, connection.lane()].map((lane) => lane.create({ input: 'x' }));
    for (const _ of turns) await socket.next();
    const events = [answer('resp_a', 'A', 'a'), answer('resp_b', 'B', 'b'), answer('resp_0', 'none')];
    for (let i = 0; i < 6; i++) for (const list of events.toReversed()) socket.send(list[i] ?? {});
    const responses = await Promise.all(turns.map(({ response }) => response));
    expect(responses.map(({ id }) => id)).toEqual(['resp_a', 'resp_b', 'resp_0']);
  });

  test('the same name is the same lane', () => {
    expect(connection.lane('a')).toBe(connection.lane('a'));
    expect(connection.lane()).toBe(connection.lane());
    expect(connection.lane('a')).not.toBe(connection.lane());
  });

  test.each(['', 'a b', 'ä', 'x'.repeat(257)])('a lane cannot be called %j', (name) => {
    expect(() => connection.lane(name)).toThrow(TypeError);
  });

  test('what follows the end of a turn is not read as the next one', async () => {
    const lane = connection.lane();
    const first = lane.create({ input: 'one' });
    await socket.next();
    const stray = answer('resp_1', 'a');
    socket.send(...stray);
    await first.response;
    const second = lane.create({ input: 'two' });
    await socket.next();
    // A second terminal event, and an item that belongs to nothing.
    socket.send(...stray.slice(2), ...answer('resp_2', 'b'));
    expect(await typesOf(second)).toHaveLength(6);
    await expect(second.response).resolves.toMatchObject({ id: 'resp_2' });
  });

  test('the answer to a request that came to the server twice is not the next one’s', async () => {
    const lane = connection.lane();
    const first = lane.create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_1', 'a'));
    await first.response;
    const second = lane.create({ input: 'two' });
    await socket.next();
    const doubled = answer('resp_1x', 'a').map((event) =>
      'response' in event
        ? { ...event, response: { ...(event['response'] as object), previous_response_id: null } }
        : event,
    );
    socket.send(...doubled, ...answer('resp_2', 'b'));
    await expect(second.response).resolves.toMatchObject({ id: 'resp_2' });
    expect(await typesOf(second)).toHaveLength(6);
  });

  test('what belongs to another response is not the running one’s', async () => {
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    const [created, ...rest] = answer('resp_1', 'a');
    socket.send(created ?? {}, ...answer('resp_0', 'late').slice(-1), ...rest);
    expect(await typesOf(turn)).toHaveLength(6);
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('events of a lane that was never opened touch nothing', async () => {
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_x', 'x', 'unknown'), ...answer('resp_1', 'a'));
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  });

  test('events of unknown types belong to the turn that runs', async () => {
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    const [created, ...rest] = answer('resp_1', 'a');
    socket.send(created ?? {}, { type: 'acme:progress', percent: 50 }, ...rest);
    expect(await typesOf(turn)).toContain('acme:progress');
  });
});

describe('errors', () => {
  test('an error event ends the turn as a ResponsesError; the socket goes on', async () => {
    const lane = connection.lane();
    const turn = lane.create({ input: 'one', previous_response_id: 'resp_gone' });
    await socket.next();
    socket.send(refusal('previous_response_not_found', 'Not there.'));
    const error = await turn.response.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ResponsesError);
    expect(error).toMatchObject({
      code: 'previous_response_not_found',
      status: 400,
      param: 'previous_response_id',
      message: 'Not there.',
      response: null,
    });
    await expect(typesOf(turn)).rejects.toBe(error);
    const next = lane.create({ input: 'again' });
    await socket.next();
    socket.send(...answer('resp_2', 'b'));
    await expect(next.response).resolves.toMatchObject({ id: 'resp_2' });
  });

  test('the flat shape of other servers is understood', async () => {
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    socket.send({ type: 'error', sequence_number: 0, code: 'insufficient_quota', message: 'Pay first.', param: null });
    await expect(turn.response).rejects.toMatchObject({ code: 'insufficient_quota', status: null });
  });

  test('response.failed is yielded, then thrown with the response', async () => {
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    const failed = { id: 'resp_1', status: 'failed', output: [], error: { code: 'server_error', message: 'Broken.' } };
    socket.send(answer('resp_1', 'a')[0] ?? {}, { type: 'response.failed', sequence_number: 1, response: failed });
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of turn) types.push(type);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'server_error', message: 'Broken.', response: failed });
    expect(types).toEqual(['response.created', 'response.failed']);
  });

  test('a failed continuation fails whoever waits to continue it', async () => {
    const lane = connection.lane();
    const first = lane.create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_1', 'a'));
    await first.response;
    const failing = lane.create({ input: 'two' });
    const behind = lane.create({ input: 'three' });
    const fresh = lane.create({ input: 'four', previous_response_id: null });
    const afterFresh = lane.create({ input: 'five' });
    await socket.next();
    socket.send(refusal('invalid_request', 'No.'));
    await expect(failing.response).rejects.toThrow('No.');
    await expect(behind.response).rejects.toThrow('No.');
    expect(lane.newest).toBe('resp_1');
    expect(await socket.next()).toMatchObject({ input: 'four' });
    socket.send(...answer('resp_4', 'd'));
    await fresh.response;
    expect(await socket.next()).toMatchObject({ input: 'five', previous_response_id: 'resp_4' });
    socket.send(...answer('resp_5', 'e'));
    await afterFresh.response;
  });

  test('a failed fork leaves the chain of its own lane as it is', async () => {
    const lane = connection.lane('a');
    const first = lane.create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_1', 'x', 'a'));
    await first.response;
    const fork = lane.create({ input: 'two', previous_response_id: 'resp_elsewhere' });
    await socket.next();
    socket.send(refusal('previous_response_not_found', 'No.', 'a'));
    await expect(fork.response).rejects.toThrow('No.');
    expect(lane.newest).toBe('resp_1');
  });

  test('an error of one lane leaves the others alone', async () => {
    const good = connection.lane('good').create({ input: 'x' });
    const bad = connection.lane('bad').create({ input: 'y' });
    await socket.next();
    await socket.next();
    socket.send(refusal('invalid_request', 'No.', 'bad'), ...answer('resp_1', 'a', 'good'));
    await expect(bad.response).rejects.toThrow('No.');
    await expect(good.response).resolves.toMatchObject({ id: 'resp_1' });
  });
});

describe('abort', () => {
  test('ends the stream with the reason; the lane goes on from what the server made of it', async () => {
    const lane = connection.lane();
    const abort = new AbortController();
    const turn = lane.create({ input: 'one' }, { signal: abort.signal });
    const next = lane.create({ input: 'two' });
    await socket.next();
    const events = answer('resp_1', 'a');
    socket.send(...events.slice(0, 2));
    const reader = turn[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    abort.abort(new Error('enough'));
    await expect(reader.next()).rejects.toThrow('enough');
    await expect(turn.response).rejects.toThrow('enough');
    socket.send(...events.slice(2));
    expect(await socket.next()).toMatchObject({ input: 'two', previous_response_id: 'resp_1' });
    socket.send(...answer('resp_2', 'b'));
    await expect(next.response).resolves.toMatchObject({ id: 'resp_2' });
  });

  test('a turn aborted before its turn comes is never sent', async () => {
    const lane = connection.lane();
    const first = lane.create({ input: 'one' });
    const abort = new AbortController();
    const dropped = lane.create({ input: 'two' }, { signal: abort.signal });
    const last = lane.create({ input: 'three' });
    abort.abort();
    await socket.next();
    socket.send(...answer('resp_1', 'a'));
    await expect(dropped.response).rejects.toMatchObject({ name: 'AbortError' });
    expect(await socket.next()).toMatchObject({ input: 'three' });
    socket.send(...answer('resp_3', 'c'));
    await Promise.all([first.response, last.response]);
    expect(socket.unread).toBe(0);
  });

  test('a signal that has aborted already sends nothing', async () => {
    const turn = connection.lane().create({ input: 'one' }, { signal: AbortSignal.abort(new Error('too late')) });
    await expect(turn.response).rejects.toThrow('too late');
    const next = connection.lane().create({ input: 'two' });
    expect(await socket.next()).toMatchObject({ input: 'two' });
    socket.close(1011, '');
    await expect(next.response).rejects.toThrow(ConnectionLostError);
  });
});

describe('a lane that is closed', () => {
  /** One turn of a lane; returns its request. */
  async function play(lane: Lane, id: string): Promise<Record<string, unknown>> {
    const turn = lane.create({ input: `for ${id}` });
    const request = await socket.next();
    socket.send(...answer(id, 'a', lane.name ?? undefined));
    await turn.response;
    return request;
  }

  test('leaves its name to the next fork without one, which goes on from its own parent', async () => {
    const lane = connection.lane('main');
    await play(lane, 'resp_1');
    const fork = lane.fork();
    const inner = fork.fork();
    await play(inner, 'resp_2');
    inner.close();
    const next = lane.fork();
    expect([fork.name, inner.name, next.name]).toEqual(['main.fork-1', 'main.fork-1.fork-1', 'main.fork-1.fork-1']);
    expect(await play(next, 'resp_3')).toMatchObject({ stream_id: next.name, previous_response_id: 'resp_1' });
    expect(lane.fork().name).toBe('main.fork-2');
  });

  test('has no conversation any more, nor does the next one of its name', async () => {
    const lane = connection.lane('side');
    await play(lane, 'resp_1');
    lane.close();
    lane.close();
    await expect(lane.create({ input: 'late' }).response).rejects.toThrow(ConnectionLostError);
    expect(() => lane.fork()).toThrow(TypeError);
    expect(lane.newest).toBeNull();
    const next = connection.lane('side');
    expect(next).not.toBe(lane);
    expect((await play(next, 'resp_2'))['previous_response_id']).toBeUndefined();
  });

  test('has no turn that runs or waits: until then it stays as it is', async () => {
    const lane = connection.lane();
    const turns = [lane.create({ input: 'one' }), lane.create({ input: 'two' })];
    for (const [index, turn] of turns.entries()) {
      expect(() => lane.close()).toThrow(/await or cancel/);
      await socket.next();
      socket.send(...answer(`resp_${index}`, 'a'));
      await turn.response;
    }
    lane.close();
    expect(connection.lane()).not.toBe(lane);
  });

  test('frees no place on its socket for another name, as the server goes on counting it', async () => {
    const names = Array.from({ length: 32 }, (_, index) => `lane-${index}`);
    for (const name of names) await play(connection.lane(name), `resp_${name}`);
    connection.lane('lane-0').close();
    const again = await play(connection.lane('lane-0'), 'resp_again');
    expect(again['stream_id']).toBe('lane-0');
    connection.lane('lane-0').close();
    const turn = connection.lane('another').create({ input: 'elsewhere' });
    const other = await peer.accept();
    expect(await other.next()).toMatchObject({ stream_id: 'another' });
    other.send(...answer('resp_other', 'a', 'another'));
    await turn.response;
  });
});
