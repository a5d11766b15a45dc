/** A client that is no bottleneck: it looks at the bytes that it needs and parses nothing else. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

const terminal = /^\{"type":"(?:response\.(?:completed|incomplete|failed)|error)"/;

/** What came back for one request. */
export interface Answer {
  readonly frames: number;
  readonly bytes: number;
  /** The last frame. */
  readonly last: string;
}

/** A socket with one request at a time. */
export class BenchSocket {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string, path = '/responses'): Promise<BenchSocket> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, { perMessageDeflate: false });
    await once(socket, 'open');
    return new BenchSocket(socket);
  }

  /** Sends a frame; resolves with the answer once `isLast` says so of a frame. */
  request(frame: string, isLast: (frame: string, count: number) => boolean): Promise<Answer> {
    return new Promise((resolve) => {
      let frames = 0;
      let bytes = 0;
      const receive = (data: Buffer) => {
        const text = data.toString();
        frames++;
        bytes += data.length;
        if (!isLast(text, frames)) return;
        this.#socket.off('message', receive);
        resolve({ frames, bytes, last: text });
      };
      this.#socket.on('message', receive);
      this.#socket.send(frame);
    });
  }

  /** One turn; throws when it ends otherwise than completed. */
  async turn(frame: string): Promise<Answer & { readonly responseId: string }> {
    const answer = await this.request(frame, (text) => terminal.test(text));
    const responseId = /"id":"(resp_[^"]+)"/.exec(answer.last)?.[1];
    if (!answer.last.startsWith('{"type":"response.completed"') || responseId === undefined) {
      throw new Error(`The turn did not complete: ${answer.last.slice(0, 300)}`);
    }
    return { ...answer, responseId };
  }

  close(): void {
    this.#socket.terminate();
  }
}
