/** A Responses server inside the test, socket and HTTP: does what the test says, and keeps what it was sent. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** A `response.create`, or the body of a POST. */
export interface Asked {
  readonly body: Record<string, unknown> & {
    readonly input: readonly Record<string, unknown>[];
    readonly stream_id?: string;
    readonly previous_response_id?: string;
  };
  readonly headers: http.IncomingHttpHeaders;
  /** Counts sockets from 1; 0 for HTTP. */
  readonly socket: number;
}

/** Answers one request: `send` takes events, over either transport; `cut` ends the connection without a word. */
export type Behaviour = (asked: Asked, send: (...events: readonly object[]) => void, cut: () => void) => void;

export interface ResponsesServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly asked: readonly Asked[];
  /** Frames that are no `response.create`. */
  readonly otherFrames: readonly Record<string, unknown>[];
  behaviour: Behaviour;
  /** The answer to handshakes in place of 101, or null to accept them. */
  refuseHandshake: number | null;
  readonly sockets: ReadonlySet<WebSocket>;
}

let responses = 0;

/** Says a text with the events that every server sends. Lanes are echoed where `lanes` is not false. */
export function say(text: string, { lanes = true }: { lanes?: boolean } = {}): Behaviour {
  return ({ body }, send) => {
    const lane = lanes && body.stream_id !== undefined ? { stream_id: body.stream_id } : {};
    send(...toEvents(text).map((event) => ({ ...lane, ...event })));
  };
}

/** The events of a response that says `text`, with a name of its own. */
export function toEvents(text: string): Record<string, unknown>[] {
  const id = `resp_up${++responses}`;
  const item = { type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed' };
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  const usage = { input_tokens: 10, input_tokens_details: { cached_tokens: 4 }, output_tokens: 2 };
  return [
    { type: 'response.created', response: { id, output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: item.id, delta: text },
    { type: 'response.output_item.done', output_index: 0, item: { ...item, content } },
    { type: 'response.completed', response: { id, status: 'completed', output: [{ ...item, content }], usage } },
  ];
}

/** Refuses with an `error` event. */
export function refuse(status: number, code: string | null, param: string | null = null): Behaviour {
  return ({ body }, send) => {
    const lane = body.stream_id === undefined ? {} : { stream_id: body.stream_id };
    send({
      type: 'error',
      status,
      ...lane,
      error: { type: 'invalid_request_error', code, message: `${code}.`, param },
    });
  };
}

/** Behaves differently from request to request; the last one stays. */
export function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
  let next = 0;
  return (...call) => behaviours[Math.min(next++, behaviours.length - 1)]?.(...call);
}

export async function startResponsesServer(): Promise<ResponsesServer> {
  const asked: Asked[] = [];
  const otherFrames: Record<string, unknown>[] = [];
  const sockets = new Set<WebSocket>();
  const state = { behaviour: say('Hello.'), refuseHandshake: null as number | null };
  let count = 0;

  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ data: [{ id: 'test-model' }] }));
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        body: JSON.parse(Buffer.concat(chunks).toString()) as Asked['body'],
        headers: request.headers,
        socket: 0,
      };
      asked.push(one);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (...events: readonly object[]): void => {
        for (const event of events) {
          response.write(`data: ${JSON.stringify(event)}\n\n`);
          const { type } = event as { type: string };
          if (['response.completed', 'response.incomplete', 'response.failed', 'error'].includes(type)) response.end();
        }
      };
      state.behaviour(one, send, () => response.destroy());
    });
  });

  const upgrades = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, stream, head) => {
    if (state.refuseHandshake !== null) {
      stream.end(`HTTP/1.1 ${state.refuseHandshake} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    upgrades.handleUpgrade(request, stream, head, (socket) => {
      const number = ++count;
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('message', (data: Buffer) => {
        const body = JSON.parse(data.toString()) as Asked['body'];
        if (body['type'] !== 'response.create') {
          otherFrames.push(body);
          return;
        }
        const one = { body, headers: request.headers, socket: number };
        asked.push(one);
        const send = (...events: readonly object[]): void => {
          for (const event of events) socket.send(JSON.stringify(event));
        };
        state.behaviour(one, send, () => socket.terminate());
      });
    });
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    otherFrames,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
