/** What a lane remembers and what becomes of its steers (dossier F, K). The server is played by hand. */
import { describe, expect, test } from 'vitest';
import { ConnectionLostError, HistoryLostError } from '../src/index.ts';
import type { SpillStore } from '../src/index.ts';
import { answer, playFetch, refusal, toSse } from './peer.ts';
import type { Frame, PeerSocket } from './peer.ts';
import { connection, open, peer, play, read } from './played.ts';

describe('what is remembered', () => {
  const long = 'x'.repeat(2000);

  test('is bounded: then only the server can go on', async () => {
    const socket = await open({ memory: { maxBytes: 3000 } });
    const lane = connection.lane();
    await play(socket, lane, long, 'resp_1');
    await play(socket, lane, long, 'resp_2');
    const turn = lane.create({ input: 'three' });
    expect(await socket.next()).toMatchObject({ previous_response_id: 'resp_2' });
    socket.send(refusal('previous_response_not_found', 'Gone.'));
    await expect(turn.response).rejects.toThrow(HistoryLostError);
    await expect(lane.history()).rejects.toThrow(HistoryLostError);
  });

  test('can be kept elsewhere', async () => {
    const kept = new Map<string, string>();
    const spill: SpillStore = {
      save: async (key, json) => void kept.set(key, json),
      load: async (key) => kept.get(key) ?? '',
      remove: async (key) => void kept.delete(key),
    };
    const socket = await open({ memory: { maxBytes: 3000, spill } });
    const lane = connection.lane();
    await play(socket, lane, long, 'resp_1');
    await play(socket, lane, long, 'resp_2');
    expect([...kept.keys()]).toContain('resp_1');
    expect(await lane.history()).toHaveLength(4);
    // A new chain: nobody can go on from the old one.
    const turn = lane.create({ input: long, previous_response_id: null });
    await socket.next();
    socket.send(...answer('resp_3', long));
    await turn.response;
    expect(kept.has('resp_1')).toBe(false);
  });

  test('begins at a compaction', async () => {
    const socket = await open();
    const lane = connection.lane();
    await play(socket, lane, 'one', 'resp_1');
    const turn = lane.create({ input: [{ type: 'compaction_trigger' }] });
    await socket.next();
    const item = { type: 'compaction', id: 'cmp_1', encrypted_content: 'sealed' };
    const response = { id: 'resp_2', status: 'completed', output: [item] };
    socket.send(answer('resp_2', '')[0] ?? {}, { type: 'response.completed', sequence_number: 5, response });
    await turn.response;
    expect(await lane.history()).toEqual([item]);
  });

  test('leaves out what no server would take: calls that were cut off, reasoning that was kept back', async () => {
    const socket = await open();
    const lane = connection.lane();
    const turn = lane.create({ input: 'one' });
    await socket.next();
    const message = { type: 'message', id: 'msg_1', role: 'assistant', status: 'incomplete', content: [] };
    const output = [
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'sealed' },
      message,
      { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{', status: 'incomplete' },
    ];
    const response = { id: 'resp_1', status: 'incomplete', output };
    socket.send(answer('resp_1', '')[0] ?? {}, { type: 'response.incomplete', sequence_number: 5, response });
    await turn.response;
    expect((await lane.history()).slice(1)).toEqual([output[1], message]);
  });
});

describe('steers', () => {
  const steer = { id: 'steer_1', previous_response_id: 'resp_1' };
  const owed = [{ type: 'function_call_output', call_id: 'call_1', name: 'f' }];

  async function steered(socket: PeerSocket) {
    const lane = connection.lane();
    const turn = lane.create({ input: 'one' });
    await socket.next();
    const [created, inProgress, ...rest] = answer('resp_1', 'a');
    socket.send(created ?? {}, inProgress ?? {});
    const steering = lane.steer('Shorter.');
    expect(await socket.next()).toEqual({ type: 'response.steer', previous_response_id: 'resp_1', input: 'Shorter.' });
    return { lane, turn, steering, rest };
  }

  test('wait for the response to have an id', async () => {
    const socket = await open();
    const lane = connection.lane();
    const turn = lane.create({ input: 'one' });
    const steering = lane.steer('Shorter.');
    await socket.next();
    expect(socket.unread).toBe(0);
    const [created, ...rest] = answer('resp_1', 'a');
    socket.send(created ?? {});
    expect(await socket.next()).toMatchObject({ type: 'response.steer' });
    const error = { type: 'invalid_request_error', code: 'steering_not_supported', message: 'Not here.' };
    socket.send({
      type: 'response.steer.failed',
      sequence_number: 1,
      error,
      steer: { previous_response_id: 'resp_1', input: 'Shorter.' },
    });
    expect(await steering.accepted).toBe(false);
    expect(await steering.outcome).toMatchObject({
      state: 'failed',
      code: 'steering_not_supported',
      input: 'Shorter.',
    });
    socket.send(...rest.map((event) => ({ ...event, sequence_number: 9 + Number(event['sequence_number']) })));
    await turn.response;
  });

  test('that wait for tools go with the next request; with all of it, if the server has forgotten', async () => {
    const socket = await open();
    const { lane, turn, steering, rest } = await steered(socket);
    socket.send({ type: 'response.steer.accepted', sequence_number: 2, steer });
    socket.send(...rest.map((event) => ({ ...event, sequence_number: 1 + Number(event['sequence_number']) })));
    socket.send({
      type: 'response.steer.pending',
      sequence_number: 9,
      reason: 'waiting_for_required_input',
      required_input: owed,
      steer,
    });
    expect(await steering.outcome).toEqual({ state: 'pending', requiredInput: owed });
    await turn.response;
    socket.close(1001, '');
    await socket.closed;
    const next = lane.create({ input: 'two' });
    const other = await peer.accept();
    const { input } = (await other.next()) as { input: { content: unknown }[] };
    expect(input.map(({ content }) => content)).toEqual(['one', expect.anything(), 'Shorter.', 'two']);
    other.send(...answer('resp_2', 'b'));
    await next.response;
    expect(await lane.history()).toHaveLength(5);
  });

  test('that are too large for a socket are not held against a request of another lane', async () => {
    const bodies: Frame[] = [];
    const socket = await open({ fetch: playFetch(bodies, () => toSse(answer('resp_2', 'b'))) });
    const lane = connection.lane();
    const turn = lane.create({ input: 'one' });
    await socket.next();
    socket.send(...answer('resp_1', 'a').slice(0, 2));
    await read(turn, 2);
    const other = connection.lane('other').create({ input: 'two' });
    await socket.next();
    const steering = lane.steer('much '.repeat(100));
    await socket.next();
    socket.close(1009, 'message too large');
    await expect(other.response).rejects.toMatchObject({ name: 'ConnectionLostError', code: 1009, sent: true });
    await expect(turn.response).rejects.toMatchObject({ name: 'ConnectionLostError', code: 1009, received: 2 });
    expect(await steering.outcome).toMatchObject({ state: 'failed', code: 'connection_lost' });
    expect(bodies).toEqual([]);
  });

  test('that a lost connection takes along give their input back', async () => {
    const socket = await open();
    const { turn, steering } = await steered(socket);
    socket.drop();
    await expect(turn.response).rejects.toThrow(ConnectionLostError);
    expect(await steering.outcome).toMatchObject({ state: 'failed', code: 'connection_lost', input: 'Shorter.' });
  });

  test('are not touched by a turn that is given up in the queue', async () => {
    const socket = await open();
    const { lane, turn, steering, rest } = await steered(socket);
    const abort = new AbortController();
    const queued = lane.create({ input: 'later' }, { signal: abort.signal });
    abort.abort(new Error('not any more'));
    await expect(queued.response).rejects.toThrow('not any more');
    socket.send({ type: 'response.steer.accepted', sequence_number: 2, steer });
    socket.send(...rest.map((event) => ({ ...event, sequence_number: 1 + Number(event['sequence_number']) })));
    const [created, ...others] = answer('resp_2', 'b');
    const response = { id: 'resp_2', status: 'in_progress', output: [], previous_response_id: 'resp_1' };
    socket.send({ ...created, response }, ...others);
    expect(await steering.outcome).toEqual({ state: 'applied', responseId: 'resp_2' });
    await expect(turn.response).resolves.toMatchObject({ id: 'resp_2' });
  });

  test('without a response fail', async () => {
    await open();
    expect(await connection.lane().steer('Hello?').outcome).toMatchObject({
      state: 'failed',
      code: 'response_not_active',
    });
  });
});
