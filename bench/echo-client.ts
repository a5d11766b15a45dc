/** The other end of `servers/echo.ts`. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A socket that is answered at once. */
export interface Echo extends Disposable {
  /** Sends a frame and waits until `frames` frames came back. */
  send(frame: string, frames: number): Promise<void>;
}

/** Connects to an echo server. */
export async function openEcho(url: string): Promise<Echo> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { perMessageDeflate: false });
  await once(socket, 'open');
  let missing = 0;
  let answered: () => void = () => {};
  let lost: (error: Error) => void = () => {};
  socket.on('message', () => {
    if (--missing === 0) answered();
  });
  socket.on('close', () => lost(new Error('The echo server closed the socket.')));
  return {
    send(frame, frames) {
      missing = frames;
      return new Promise((resolve, reject) => {
        answered = resolve;
        lost = reject;
        socket.send(frame);
      });
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}
