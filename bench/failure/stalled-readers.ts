/** Clients that ask for much and read nothing (G15): what each of them costs the server's memory. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Child } from '../child.ts';

/** Readers that stall side by side. */
const readers = 8;
/** Memory is asked for until it stands still: then the server waits. */
const [settledShare, mostLooks] = [0.01, 20];

/** How such a client asks. */
export interface StalledOptions {
  readonly model: string;
  /** Whether it asks for a connection that outlives its socket. */
  readonly isResumable: boolean;
}

/** Bytes that the server holds for each reader: what is alive, before and after. The server was started to tell its memory. */
export async function measureStalledReaders(server: Child, { model, isResumable }: StalledOptions): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: readers }, () => open(server.url, isResumable)));
  const before = (await server.memory()).alive;
  const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Go.' }] }];
  const numbered = isResumable ? { longwire_seq: 1 } : {};
  const frame = JSON.stringify({ type: 'response.create', model, store: false, input, ...numbered });
  for (const socket of sockets) {
    socket.pause();
    socket.send(frame);
  }
  const after = await settle(server);
  for (const socket of sockets) socket.terminate();
  return (after - before) / readers;
}

async function open(url: string, isResumable: boolean): Promise<WebSocket> {
  const headers = isResumable ? { 'longwire-resume': 'new' } : {};
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/responses`, { perMessageDeflate: false, headers });
  await once(socket, 'open');
  return socket;
}

async function settle(server: Child): Promise<number> {
  let last = 0;
  for (let look = 0; look < mostLooks; look++) {
    const { alive } = await server.memory();
    if (Math.abs(alive - last) < settledShare * alive) return alive;
    last = alive;
  }
  throw new Error('The memory of a server with stalled readers does not come to rest.');
}
