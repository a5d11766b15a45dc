/** Two lanes on a socket that says nothing any more. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connect } from '../src/index.ts';
import { answer, startPeer } from './peer.ts';
import type { Frame } from './peer.ts';

const firstEventMs = 60_000;
const hello: Frame = {
  type: 'longwire:connection',
  token: 'secret',
  resumed: false,
  received: 0,
  grace_ms: 30_000,
  idempotency: true,
};

/** As frames of a resumable connection. */
function numbered(events: readonly Frame[], first: number): Frame[] {
  return events.map((event, index) => ({ ...event, longwire_seq: first + index }));
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

test('a lane does not hold the silence of a socket against the one that has replaced it', async () => {
  await using peer = await startPeer();
  const resumed = Promise.withResolvers<void>();
  const connection = await connect({
    baseUrl: peer.baseUrl,
    timeouts: { firstEventMs },
    onStatus: ({ reason }) => {
      if (reason === 'resumed') resumed.resolve();
    },
  });
  const socket = await peer.accept();
  socket.send(hello);
  const warm = connection.lane('early').create({ input: 'zero' });
  await socket.next();
  socket.send(...numbered(answer('resp_0', 'x', 'early'), 1));
  await warm.response;
  expect(await socket.next()).toEqual({ type: 'longwire:ack', received: 6 });
  vi.advanceTimersByTime(firstEventMs);
  const early = connection.lane('early').create({ input: 'one' });
  await socket.next();
  vi.advanceTimersByTime(firstEventMs / 4);
  const late = connection.lane('late').create({ input: 'two' });
  await socket.next();
  // The first lane gives the socket up.
  vi.advanceTimersByTime((3 * firstEventMs) / 4 + 1000);
  const other = await peer.accept();
  other.send({ ...hello, resumed: true, received: 3 });
  await resumed.promise;
  // The limit of the second lane is over, but not on this socket.
  vi.advanceTimersByTime(firstEventMs / 4);
  other.send(...numbered([...answer('resp_1', 'a', 'early'), ...answer('resp_2', 'b', 'late')], 7));
  await expect(early.response).resolves.toMatchObject({ id: 'resp_1' });
  await expect(late.response).resolves.toMatchObject({ id: 'resp_2' });
  connection.close();
});
