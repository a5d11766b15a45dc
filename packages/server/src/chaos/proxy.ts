/**
 * A TCP proxy in front of a server of the Responses API that knows where WebSocket frames begin and end, and breaks a connection exactly
 * there. It is no endpoint: what the two sides agreed on (compression, extensions, pings) stays theirs. Plain HTTP passes untouched.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Break, Direction, Fault, Place } from './fault.ts';
import type { Frame } from './frame.ts';
import { refusalHead, UpgradeAnswer, upgradeHead } from './handshake.ts';
import { Line } from './line.ts';
import type { Verdict } from './line.ts';

export type { Verdict };

/** Who decides what goes wrong, and who watches. Every part may be left out. */
export interface ChaosHooks {
  /** The HTTP status with which this upgrade, counted from 1, is refused; null lets it pass. */
  readonly refusalOf?: (connection: number) => number | null;
  /** Asked for each data frame before it passes. */
  readonly judge?: (place: Place, frame: Frame) => Verdict;
  /** The body of a plain HTTP request, once it is whole. */
  readonly posted?: (body: string) => void;
  /** Something happened that can be seen in `connections`. */
  readonly changed?: () => void;
}

/** Where a proxy stands. */
export interface ChaosOptions extends ChaosHooks {
  /** Base URL of the server, such as `http://127.0.0.1:8787/v1`. */
  readonly target: URL;
  /** 0 takes a free one. */
  readonly port?: number;
  /** Keeps the two from agreeing on compression, so that every frame can be read. */
  readonly isReadable?: boolean;
}

/** What became of one upgrade. */
export interface ConnectionRecord {
  /** Counts the upgrades from 1. */
  readonly number: number;
  /** Of the answer; null while there is none, and where the server could not be reached. */
  status: number | null;
  /** Data frames that came from the client. */
  up: number;
  /** Data frames that came from the server. */
  down: number;
  readonly faults: { readonly fault: Fault; readonly at: Place }[];
  /** In the server's close frame; null where it sent none, or only answered the client's. */
  serverCloseCode: number | null;
  isOpen: boolean;
  /** Whether the server's side is still there: with a black hole between them, it may go long before the client's. */
  hasServer: boolean;
}

/** A proxy that listens on loopback. */
export interface ChaosProxy extends AsyncDisposable {
  /** Stands in for the target's base URL. */
  readonly url: string;
  /** Every upgrade so far, in order. */
  readonly connections: readonly ConnectionRecord[];
  /** Breaks every open connection now; resolves when the break has arrived at the clients. */
  breakAll(fault: Break): Promise<void>;
}

/** Starts one. Throws as `net.Server.listen` does when the port is taken. */
export async function startChaosProxy(options: ChaosOptions): Promise<ChaosProxy> {
  const proxy = new Proxy(options);
  await proxy.listen();
  return proxy;
}

class Proxy implements ChaosProxy {
  readonly #options: ChaosOptions;
  readonly #server: Server;
  readonly #near = new Set<Socket>();
  readonly #far = new Set<Socket>();
  readonly #lines = new Map<Line, Socket>();
  readonly connections: ConnectionRecord[] = [];

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (request, response) => this.#forward(request, response));
    this.#server.on('connection', (socket: Socket) => keep(socket, this.#near));
    this.#server.on('upgrade', (request: IncomingMessage, near: Socket, head: Buffer) => {
      this.#upgrade(request, near, head);
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.port ?? 0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}${this.#options.target.pathname.replace(/\/+$/, '')}`;
  }

  async breakAll(fault: Break): Promise<void> {
    const gone = fault.kind === 'stall' ? [] : [...this.#lines.values()].map((near) => once(near, 'close'));
    for (const line of this.#lines.keys()) line.break(fault);
    await Promise.all(gone);
    // An RST is not answered. What travels the same way after it and comes back has let it arrive, in the same process too.
    const probe = connectTcp(this.#port, '127.0.0.1');
    await once(probe, 'connect');
    probe.end();
    await once(probe.resume(), 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const line of this.#lines.keys()) line.destroy();
    for (const socket of [...this.#near, ...this.#far]) socket.destroy();
    await closed;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #upgrade(request: IncomingMessage, near: Socket, head: Buffer): void {
    const record: ConnectionRecord = {
      number: this.connections.length + 1,
      status: null,
      up: 0,
      down: 0,
      faults: [],
      serverCloseCode: null,
      isOpen: false,
      hasServer: false,
    };
    this.connections.push(record);
    const refusal = this.#options.refusalOf?.(record.number) ?? null;
    if (refusal !== null) {
      record.status = refusal;
      near.end(refusalHead(refusal));
      return this.#change();
    }
    const far = this.#connect();
    const endFar = () => far.destroySoon();
    const endNear = () => near.destroySoon();
    near.once('close', endFar);
    far.once('close', endNear);
    far.write(upgradeHead(request, this.#options.target.host, this.#options.isReadable ?? false));
    if (head.length > 0) near.unshift(head);
    const answer = new UpgradeAnswer();
    const onData = (bytes: Buffer) => {
      const rest = answer.push(bytes);
      if (rest === null) return;
      far.off('data', onData);
      far.pause();
      record.status = answer.status;
      near.write(answer.head);
      if (rest.length > 0) far.unshift(rest);
      if (answer.status === 101) {
        near.off('close', endFar);
        far.off('close', endNear);
        this.#join(record, near, far);
      } else {
        far.pipe(near);
      }
      this.#change();
    };
    far.on('data', onData);
  }

  #join(record: ConnectionRecord, near: Socket, far: Socket): void {
    record.isOpen = true;
    record.hasServer = true;
    const line = new Line(near, far, {
      judge: (direction, frame, content) => this.#judge(record, direction, frame, content),
      serverClosed: (code) => {
        record.serverCloseCode = code;
        this.#change();
      },
      serverLeft: () => {
        record.hasServer = false;
        this.#change();
      },
      ended: () => {
        record.isOpen = false;
        this.#lines.delete(line);
        this.#change();
      },
    });
    this.#lines.set(line, near);
  }

  #judge(record: ConnectionRecord, direction: Direction, frame: number, content: Frame): Verdict {
    record[direction] = frame;
    const at = { connection: record.number, direction, frame };
    const verdict = this.#options.judge?.(at, content) ?? null;
    if (verdict !== null && verdict.kind !== 'replace') record.faults.push({ fault: verdict, at });
    this.#change();
    return verdict;
  }

  #connect(): Socket {
    const { protocol, hostname, port } = this.#options.target;
    const isSecure = protocol === 'https:';
    const host = hostname.replace(/^\[|\]$/g, '');
    const to = { host, port: port === '' ? (isSecure ? 443 : 80) : Number(port), allowHalfOpen: true };
    const socket = isSecure ? connectTls({ ...to, servername: host, ALPNProtocols: ['http/1.1'] }) : connectTcp(to);
    keep(socket, this.#far);
    return socket;
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { target, posted } = this.#options;
    const { method = 'GET', url: path = '/' } = request;
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const url = new URL(path, target);
    const headers = { ...request.headers, host: target.host };
    const upstream = send(url, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy()).pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    const body: Buffer[] = [];
    if (posted !== undefined && method === 'POST') {
      request.on('data', (bytes: Buffer) => body.push(bytes)).on('end', () => posted(Buffer.concat(body).toString()));
    }
    request.pipe(upstream);
  }

  #change(): void {
    this.#options.changed?.();
  }
}

/** Notes a socket for as long as it lives. That it fails is what a proxy of faults is there for: its close says enough. */
function keep(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.once('close', () => sockets.delete(socket));
}
