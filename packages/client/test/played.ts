/** A client beside a server that the test plays by hand: both end with the test. */
import { afterEach, beforeEach } from 'vitest';
import { connect, createNetworkMemory } from '../src/index.ts';
import type { Connection, ConnectOptions, Lane, TurnStream } from '../src/index.ts';
import { answer, startPeer } from './peer.ts';
import type { Frame, Peer, PeerSocket } from './peer.ts';

/** The server of this test. */
export let peer: Peer;
/** The client that `open` has connected. */
export let connection: Connection;

beforeEach(async () => {
  peer = await startPeer();
});
afterEach(async () => {
  connection.close();
  await peer[Symbol.asyncDispose]();
});

/** Connects, plain unless told otherwise. */
export async function connectPlain(options: Partial<ConnectOptions> = {}): Promise<void> {
  connection = await connect({
    baseUrl: peer.baseUrl,
    resume: false,
    retry: { baseMs: 1, maxMs: 5 },
    networkMemory: createNetworkMemory(),
    ...options,
  });
}

/** The same over a socket, of which this is the server's end. */
export async function open(options: Partial<ConnectOptions> = {}): Promise<PeerSocket> {
  await connectPlain(options);
  return peer.accept();
}

/** One turn from its request to its end; returns the request. */
export async function play(
  socket: PeerSocket,
  lane: Lane,
  input: string,
  id: string,
): Promise<Record<string, unknown>> {
  const turn = lane.create({ input });
  const request = await socket.next();
  socket.send(...answer(id, `says ${id}`, lane.name ?? undefined));
  await turn.response;
  return request;
}

/** Waits until so many events of a turn have come. */
export async function read(turn: TurnStream, count: number): Promise<void> {
  const events = turn[Symbol.asyncIterator]();
  for (let i = 0; i < count; i++) await events.next();
}

/** What a Longwire says first to who asks. */
export const hello = { type: 'longwire:connection', token: 'T', resumed: false, received: 0, grace_ms: 10_000 };

/** Frames as a resumable connection has them. */
export function number(frames: readonly Frame[]): Frame[] {
  return frames.map((frame, index) => ({ ...frame, longwire_seq: index + 1 }));
}
