/** One turn over a raw socket, for suites that send what no replaying client does. */
import { once } from 'node:events';
import type { Response } from '@longwire/protocol';
import { WebSocket } from 'ws';
import { isDelta, parseTerminal } from '../packages/server/src/cli/bench-answer.ts';

/** A turn as its client saw it. */
export interface SocketTurn {
  /** From the request to the first delta (to the end where there was none). Milliseconds. */
  readonly firstMs: number;
  readonly response: Response;
}

/** Opens a socket that speaks the Responses API. Throws what the handshake throws. */
export async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/responses`, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

/** Sends a `response.create` with these fields, and waits for its end. Throws when the turn fails, or the socket closes before it. */
export function takeTurn(socket: WebSocket, fields: Readonly<Record<string, unknown>>): Promise<SocketTurn> {
  return new Promise((resolve, reject) => {
    const frame = JSON.stringify({ type: 'response.create', store: false, ...fields });
    let firstMs: number | null = null;
    const receive = (data: Buffer): void => {
      const atMs = performance.now() - startMs;
      if (isDelta(data.toString('latin1', 0, 80))) firstMs ??= atMs;
      try {
        const terminal = parseTerminal(data.toString());
        if (terminal === null) return;
        stop();
        resolve({ firstMs: firstMs ?? atMs, response: terminal.response });
      } catch (error) {
        stop();
        reject(error as Error);
      }
    };
    const lost = (code: number): void => reject(new Error(`The socket closed with ${code} in the middle of a turn.`));
    const stop = (): void => void socket.off('message', receive).off('close', lost);
    socket.on('message', receive).once('close', lost);
    const startMs = performance.now();
    socket.send(frame);
  });
}
