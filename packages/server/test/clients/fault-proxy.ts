/** A proxy on loopback between a client and a server: it writes down what they say and breaks the line where it is told to. */
import { once } from 'node:events';
import { createServer, request as httpRequest, STATUS_CODES } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { WebSocket, WebSocketServer } from 'ws';

/** A request as the client sent it. */
export interface SeenRequest {
  /** Counts the sockets from 1; 0 is HTTP. */
  readonly socket: number;
  /** When it came; monotonic. */
  readonly atMs: number;
  /** How many input items came with it. */
  readonly items: number;
  readonly isWarmUp: boolean;
  readonly previousResponseId: string | null;
  /** Whether that id, if there is one, was issued on this socket. */
  readonly isOwnChain: boolean;
}

/** An event as the server sent it: only what faults and checks look at. */
export interface SeenEvent {
  readonly socket: number;
  readonly type: string;
  /** Of the item in it. */
  readonly itemType: string | null;
  /** Of an `error` event, or of the error in a failed response. */
  readonly code: string | null;
}

/** How a line breaks: a close frame with this code, or no frame but a TCP reset. */
export type Break = number | 'reset';

/** A fault in the stream of events. */
export interface Fault {
  /** Asked for each event of the server before it goes on to the client. */
  readonly at: (event: SeenEvent) => boolean;
  readonly how: Break;
  /** Whether the client still gets the event. */
  readonly delivers?: boolean;
  /** How often it happens. */
  readonly times: number;
}

/** What is to go wrong. */
export interface FaultPlan {
  readonly faults?: readonly Fault[];
  /** How many upgrades are refused first, and with which HTTP status. */
  readonly refusals?: { readonly status: number; readonly times: number };
  /** How many continuations name a response that the server does not know: it is the server that says so. */
  readonly strayIds?: number;
}

interface Line {
  readonly number: number;
  readonly client: WebSocket;
  readonly stream: Socket;
  readonly issued: Set<string>;
}

const untilTimeoutMs = 60_000;

/** The proxy. Frames and bodies go through as they are; each side's compression and pings are its own. */
export class FaultProxy implements AsyncDisposable {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true, maxPayload: 0 });
  readonly #lines = new Set<Line>();
  readonly #faults: { readonly fault: Fault; left: number }[];
  readonly #refusal: number;
  readonly #wakes = new Set<() => void>();
  #refusalsLeft: number;
  #strayIdsLeft: number;
  readonly requests: SeenRequest[] = [];
  readonly events: SeenEvent[] = [];
  /** Codes with which the server closed; 1006 where there was no close frame. */
  readonly serverCloses: number[] = [];
  upgrades = 0;
  /** Sockets that opened. */
  opened = 0;

  private constructor(baseUrl: string, plan: FaultPlan) {
    this.#target = new URL(baseUrl);
    this.#faults = (plan.faults ?? []).map((fault) => ({ fault, left: fault.times }));
    this.#refusal = plan.refusals?.status ?? 0;
    this.#refusalsLeft = plan.refusals?.times ?? 0;
    this.#strayIdsLeft = plan.strayIds ?? 0;
    this.#server = createServer((request, response) => void this.#forward(request, response));
    this.#server.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
  }

  /** Listens on a free port in front of the server at `baseUrl`, whose process may end and come back. */
  static async start(baseUrl: string, plan: FaultPlan = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy(baseUrl, plan);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Stands in for the server's own base URL. */
  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#target.pathname}`;
  }

  /** Sockets that are open now. */
  get open(): number {
    return this.#lines.size;
  }

  /** Breaks every open line and waits until the break has arrived at the client. */
  async breakAll(how: Break): Promise<void> {
    const gone = [...this.#lines].map((line) => once(line.client, 'close'));
    for (const line of this.#lines) breakLine(line, how);
    await Promise.all(gone);
    // A reset is not answered. What travels the same way after it and comes back has let it arrive, in this process too.
    const probe = connect((this.#server.address() as AddressInfo).port, '127.0.0.1');
    await once(probe, 'connect');
    probe.end();
    await once(probe.resume(), 'close');
  }

  /** Resolves once `isTrue`, which is asked again after everything that happens here. Throws when that takes too long. */
  async until(isTrue: () => boolean): Promise<void> {
    const timeUp = AbortSignal.timeout(untilTimeoutMs);
    while (!isTrue()) {
      timeUp.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wakes.add(resolve);
        timeUp.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const line of this.#lines) line.client.terminate();
    this.#server.closeAllConnections();
    await closed;
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.upgrades += 1;
    stream.on('error', () => stream.destroy());
    if (this.#refusalsLeft > 0) {
      this.#refusalsLeft -= 1;
      refuse(stream, this.#refusal, '');
      return this.#wake();
    }
    const url = new URL(request.url ?? '/', this.#target);
    url.protocol = 'ws:';
    const upstream = new WebSocket(url, { headers: endToEnd(request), perMessageDeflate: false, maxPayload: 0 });
    upstream.on('error', () => stream.destroy());
    upstream.once('unexpected-response', (_request, response) => {
      void buffer(response).then((body) => refuse(stream, response.statusCode ?? 502, body.toString()));
      this.#wake();
    });
    upstream.once('open', () => {
      this.#sockets.handleUpgrade(request, stream, head, (client) => this.#join(client, stream as Socket, upstream));
    });
  }

  #join(client: WebSocket, stream: Socket, upstream: WebSocket): void {
    this.opened += 1;
    const line: Line = { number: this.opened, client, stream, issued: new Set() };
    this.#lines.add(line);
    client.on('error', () => {});
    client.on('message', (data: Buffer) => {
      const text = this.#request(data.toString(), line);
      upstream.send(text);
      this.#wake();
    });
    client.on('close', () => {
      this.#lines.delete(line);
      upstream.terminate();
      this.#wake();
    });
    upstream.on('message', (data: Buffer) => {
      if (client.readyState === client.OPEN) this.#event(data.toString(), line);
      this.#wake();
    });
    upstream.on('close', (code, reason) => {
      if (client.readyState !== client.OPEN) return;
      this.serverCloses.push(code);
      if (code === 1005 || code === 1006) client.terminate();
      else client.close(code, reason);
      this.#wake();
    });
    this.#wake();
  }

  /** Notes the requests that the client sends, and returns what goes on to the server. */
  #request(text: string, line: Line | null): string {
    const body = JSON.parse(text) as Record<string, unknown>;
    if (line !== null && body['type'] !== 'response.create') return text;
    const id = typeof body['previous_response_id'] === 'string' ? body['previous_response_id'] : null;
    this.requests.push({
      socket: line?.number ?? 0,
      atMs: performance.now(),
      items: Array.isArray(body['input']) ? body['input'].length : 1,
      isWarmUp: body['generate'] === false,
      previousResponseId: id,
      isOwnChain: id === null || line?.issued.has(id) === true,
    });
    if (id === null || line === null || this.#strayIdsLeft === 0) return text;
    this.#strayIdsLeft -= 1;
    return JSON.stringify({ ...body, previous_response_id: `${id}stray` });
  }

  #event(text: string, line: Line): void {
    const event = toSeenEvent(line.number, text, line.issued);
    this.events.push(event);
    const due = this.#faults.find(({ fault, left }) => left > 0 && fault.at(event));
    if (!due) return line.client.send(text);
    due.left -= 1;
    const { how, delivers } = due.fault;
    // A reset throws away what the system still holds: the event must be on its way first.
    if (delivers) line.client.send(text, () => breakLine(line, how));
    else breakLine(line, how);
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (request.method === 'POST') this.#request(body.toString(), null);
    this.#wake();
    const { hostname, port } = this.#target;
    const { method, url: path } = request;
    const options = { hostname, port, path: path ?? '/', method: method ?? 'GET', headers: endToEnd(request) };
    httpRequest(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    })
      .on('error', () => response.destroy())
      .end(body);
  }

  #wake(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }
}

function breakLine({ client, stream }: Line, how: Break): void {
  if (how === 'reset') stream.resetAndDestroy();
  else client.close(how);
}

function refuse(stream: Duplex, status: number, body: string): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  stream.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const hopByHop = /^(connection|upgrade|host|content-length|transfer-encoding|sec-websocket-.*)$/;

/** Headers that are not about the connection itself. */
function endToEnd({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || hopByHop.test(name) ? [] : [[name, String(value)]],
    ),
  );
}

/** Reads an event; notes the ids of responses that begin. */
function toSeenEvent(socket: number, text: string, issued: Set<string>): SeenEvent {
  const event = JSON.parse(text) as {
    type: string;
    item?: { type: string };
    response?: { id: string; error?: { code: string } | null };
    error?: { code: string | null };
  };
  if (event.response) issued.add(event.response.id);
  return {
    socket,
    type: event.type,
    itemType: event.item?.type ?? null,
    code: event.error?.code ?? event.response?.error?.code ?? null,
  };
}
