/** A run against a server that is played by hand. That it works on a real one is tested in packages/server. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, runTools } from '../../src/index.ts';
import type { Connection, RunEvent } from '../../src/index.ts';
import { refusal, startPeer } from '../peer.ts';
import type { Frame, Peer, PeerSocket } from '../peer.ts';

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

/** A response that calls `look` with these ids. */
function called(id: string, ...callIds: string[]): Frame[] {
  const output = callIds.map((call_id) => ({
    type: 'function_call',
    id: `fc_${call_id}`,
    call_id,
    name: 'look',
    arguments: '{}',
    status: 'completed',
  }));
  const events: Frame[] = [
    { type: 'response.created', response: { id, status: 'in_progress', output: [] } },
    ...output.map((item, output_index) => ({ type: 'response.output_item.done', output_index, item })),
    { type: 'response.completed', response: { id, status: 'completed', output } },
  ];
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}

const look = { name: 'look', run: () => 'a wall' };
const said = { type: 'message', role: 'user', content: 'Hurry.' };

test('a call that a server repeats in one response runs once', async () => {
  let runs = 0;
  const tools = [{ name: 'look', run: () => `${(runs += 1)}` }];
  const run = runTools({ lane: connection.lane(), input: 'Go.', tools });
  const result = run.result();
  await socket.next();
  socket.send(...called('resp_1', 'c1', 'c1'));
  const next = await socket.next();
  expect(next).toMatchObject({ previous_response_id: 'resp_1', input: [{ call_id: 'c1', output: '1' }] });
  socket.send(...called('resp_2'));
  expect((await result).steps).toBe(2);
  expect(runs).toBe(1);
});

test('what was said to a turn that ended in calls is not lost with the next one', async () => {
  const run = runTools({ lane: connection.lane(), input: 'Go.', tools: [look] });
  const events: RunEvent[] = [];
  const reading = (async () => {
    for await (const event of run) {
      events.push(event);
      if (event.type === 'model' && event.event.type === 'response.created') run.steer('Hurry.');
    }
  })();
  await socket.next();
  const [created = {}, ...rest] = called('resp_1', 'c1');
  socket.send(created);
  expect(await socket.next()).toMatchObject({ type: 'response.steer', previous_response_id: 'resp_1' });
  const steer = { id: 'steer_1', previous_response_id: 'resp_1' };
  socket.send(
    { type: 'response.steer.accepted', sequence_number: 1, steer },
    ...rest.map((event, at) => ({ ...event, sequence_number: at + 2 })),
  );
  socket.send({ type: 'response.steer.pending', sequence_number: 9, steer, required_input: [] });
  // The server keeps it for this request.
  expect(await socket.next()).toMatchObject({ input: [{ call_id: 'c1', output: 'a wall' }] });
  socket.send(refusal('invalid_request', 'No.'));
  await expect(reading).rejects.toThrow('No.');
  await expect(run.result()).rejects.toThrow('No.');
  expect(run.continuation).toEqual({
    previous_response_id: 'resp_1',
    input: [said, { type: 'function_call_output', call_id: 'c1', output: 'a wall' }],
  });
});

test('a call that the model did not finish is not run', async () => {
  const run = runTools({ lane: connection.lane(), input: 'Go.', tools: [look] });
  const result = run.result();
  await socket.next();
  const [created = {}, ...rest] = called('resp_1', 'c1', 'c2');
  const last = rest.at(-1) as { response: { output: Frame[] } };
  const [whole = {}, cut = {}] = last.response.output;
  const response = { id: 'resp_1', status: 'incomplete', output: [whole, { ...cut, status: 'incomplete' }] };
  socket.send(created, { type: 'response.incomplete', sequence_number: 1, response });
  expect(await result).toMatchObject({ stop: 'incomplete', steps: 1 });
  expect(run.continuation.input).toMatchObject([{ call_id: 'c1', output: expect.stringContaining('Not run') }]);
});
