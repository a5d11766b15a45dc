/** A WebSocket server that a test plays by hand: it waits for frames and answers with what the test sends. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

export type Frame = Record<string, unknown>;

/** The server's end of one socket. */
export class PeerSocket {
  readonly request: IncomingMessage;
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  #waiting: ((frame: Frame) => void)[] = [];
  readonly closed: Promise<unknown[]>;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.request = request;
    this.closed = once(socket, 'close');
    socket.on('message', (data) => {
      const frame = JSON.parse((data as Buffer).toString()) as Frame;
      const waiting = this.#waiting.shift();
      if (waiting) waiting(frame);
      else this.#frames.push(frame);
    });
  }

  /** The next frame that the client sends. */
  next(): Promise<Frame> {
    const frame = this.#frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Frames that came and that nobody took yet. */
  get unread(): number {
    return this.#frames.length;
  }

  send(...events: Frame[]): void {
    for (const event of events) this.#socket.send(JSON.stringify(event));
  }

  sendRaw(data: string | Buffer): void {
    this.#socket.send(data);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  drop(): void {
    this.#socket.terminate();
  }
}

export interface Peer extends AsyncDisposable {
  readonly baseUrl: string;
  /** The next socket that a client opens. */
  accept(): Promise<PeerSocket>;
}

/** Starts one on a free port. `admit` may refuse upgrades with a status. */
export async function startPeer(admit: (request: IncomingMessage) => number = () => 101): Promise<Peer> {
  const http = createServer((_request, response) => void response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true });
  const accepted: PeerSocket[] = [];
  const waiting: ((socket: PeerSocket) => void)[] = [];
  http.on('upgrade', (request, stream, head) => {
    const status = admit(request);
    if (status !== 101) return void stream.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const peer = new PeerSocket(socket, request);
      const resolve = waiting.shift();
      if (resolve) resolve(peer);
      else accepted.push(peer);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    accept: () => {
      const socket = accepted.shift();
      return socket ? Promise.resolve(socket) : new Promise((resolve) => waiting.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

/** An HTTP server in place of `fetch`: notes the body of each request and answers it. */
export function playFetch(bodies: Frame[], reply: (body: Frame) => Response): typeof fetch {
  return async (_url, init) => {
    const body = JSON.parse(typeof init?.body === 'string' ? init.body : '{}') as Frame;
    bodies.push(body);
    return reply(body);
  };
}

/** Server-sent events. */
export function toSse(events: readonly Frame[], headers: Record<string, string> = {}): Response {
  return new Response(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''), { headers });
}

/** The events of a response that says `text`, in the order of the protocol. */
export function answer(id: string, text: string, streamId?: string): Frame[] {
  const lane = streamId === undefined ? {} : { stream_id: streamId };
  const item = { id: `msg_${id}`, type: 'message', role: 'assistant', status: 'completed' };
  const part = { type: 'output_text', text, annotations: [] };
  const place = { item_id: item.id, output_index: 0, content_index: 0 };
  const events: Frame[] = [
    { type: 'response.created', response: { id, status: 'in_progress', output: [] } },
    { type: 'response.in_progress', response: { id, status: 'in_progress', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.output_text.delta', ...place, delta: text },
    { type: 'response.output_item.done', output_index: 0, item: { ...item, content: [part] } },
    { type: 'response.completed', response: { id, status: 'completed', output: [{ ...item, content: [part] }] } },
  ];
  return events.map((event, index) => ({ ...event, sequence_number: index, ...lane }));
}

/** A request-scoped `error` event. */
export function refusal(code: string, message: string, streamId?: string, more: Frame = {}): Frame {
  return {
    type: 'error',
    sequence_number: 0,
    status: 400,
    ...(streamId !== undefined && { stream_id: streamId }),
    error: { type: 'invalid_request_error', code, message, param: 'previous_response_id', ...more },
  };
}
