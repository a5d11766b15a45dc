/** The least client that resumes (PROTOCOL.md 11.1): ordinals, acknowledgements, and what must be sent again. */
import { once } from 'node:events';
import type { ConnectionEvent } from '@longwire/protocol';
import { WebSocket, type ClientOptions } from 'ws';
import { isTerminal, type Frame } from '../harness.ts';

/** A connection over as many sockets as it takes. */
export class ResumingClient implements Disposable {
  readonly #url: string;
  readonly #options: ClientOptions;
  readonly #sent: string[] = [];
  readonly #frames: Frame[] = [];
  #wake: (() => void) | null = null;
  #socket: WebSocket | null = null;
  #received = 0;
  /** Acknowledges every frame as it comes. Else only the test does. */
  acknowledges = false;
  /** The first frame of the newest socket. */
  hello: ConnectionEvent | null = null;
  /** Of the newest socket, once closed. */
  closed: { code: number; reason: string } | null = null;

  constructor(url: string, options: ClientOptions = {}) {
    this.#url = `${url.replace(/^http/, 'ws')}/responses`;
    this.#options = options;
  }

  /** Opens a socket, new or to go on, and waits for its first frame. Sends again what the server has not got. */
  async connect(as = this.hello ? `${this.hello.token}:${this.#received}` : 'new'): Promise<ConnectionEvent> {
    const headers = { ...this.#options.headers, 'longwire-resume': as };
    const socket = new WebSocket(this.#url, { perMessageDeflate: false, ...this.#options, headers });
    const hello = Promise.withResolvers<ConnectionEvent>();
    this.#socket = socket;
    this.closed = null;
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame & { longwire_seq?: number };
      if ((frame.type as string) === 'longwire:connection') {
        this.hello = frame as unknown as ConnectionEvent;
        hello.resolve(this.hello);
      } else if (socket === this.#socket) this.#take(frame);
    });
    socket.on('error', (error) => hello.reject(error));
    socket.on('close', (code: number, reason: Buffer) => {
      hello.reject(new Error(`Closed with ${code}.`));
      if (socket !== this.#socket) return;
      this.closed = { code, reason: reason.toString() };
      this.#wake?.();
    });
    const told = await hello.promise;
    if (!told.resumed) {
      this.#received = 0;
      this.#sent.length = 0;
    }
    for (const text of this.#sent.slice(told.received)) socket.send(text);
    return told;
  }

  get socket(): WebSocket {
    if (!this.#socket) throw new Error('Not connected.');
    return this.#socket;
  }

  /** The ordinal of the last frame that was taken. */
  get received(): number {
    return this.#received;
  }

  send(frame: object): void {
    const text = JSON.stringify({ ...frame, longwire_seq: this.#sent.length + 1 });
    this.#sent.push(text);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  create(fields: Record<string, unknown>): void {
    this.send({ type: 'response.create', model: 'test-model', store: false, input: 'Hi.', ...fields });
  }

  acknowledge(received = this.#received): void {
    this.socket.send(JSON.stringify({ type: 'longwire:ack', received }));
  }

  /** The socket breaks; what is on its way to us is lost. Resolves when it is gone. */
  async cut(): Promise<void> {
    const socket = this.socket;
    this.#socket = null;
    socket.removeAllListeners('message');
    if (socket.readyState === WebSocket.CLOSED) return;
    const closed = once(socket, 'close');
    socket.terminate();
    await closed;
  }

  /** The next frame; throws when the socket closes first. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) return frame;
      if (this.closed) throw new Error(`The socket closed with ${this.closed.code} ${this.closed.reason}.`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Frames that have come and were not asked for. */
  get waiting(): number {
    return this.#frames.length;
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate();
  }

  #take({ longwire_seq: ordinal, ...frame }: Frame & { longwire_seq?: number }): void {
    if (ordinal !== this.#received + 1) throw new Error(`Frame ${ordinal} came after ${this.#received}.`);
    this.#received = ordinal;
    if (this.acknowledges) this.acknowledge();
    this.#frames.push(frame as Frame);
    this.#wake?.();
  }
}

/** A client with its first socket. `as`: in place of `new`. */
export async function connect(url: string, as?: string): Promise<ResumingClient> {
  const client = new ResumingClient(url);
  await client.connect(as);
  return client;
}

/** Frames up to and including the next terminal event. */
export async function turnOf(client: ResumingClient): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (;;) {
    const frame = await client.next();
    frames.push(frame);
    if (isTerminal(frame)) return frames;
  }
}

/** The id of the response that the frame says was created. */
export function createdBy(frame: Frame): string {
  if (frame.type !== 'response.created') throw new Error(`Not created: ${frame.type}.`);
  return frame.response.id;
}
