/** Finds what a turn can travel on: a socket with a place for its lane, a new one, or HTTP where no socket opens. */
import type { Carrier, Passenger } from './carrier.ts';
import { toHeaders, toHttpUrl, toSocketUrl, traitsOf } from './endpoint.ts';
import type { ServerTraits } from './endpoint.ts';
import { ConnectError, ResponsesError } from './errors.ts';
import { HttpCarrier } from './http-carrier.ts';
import { processMemory } from './network-memory.ts';
import type { NetworkMemory } from './network-memory.ts';
import { resolveSettings, toBackoffMs } from './options.ts';
import type { ConnectOptions, Settings } from './options.ts';
import { canSetSocketHeaders, createProxyInit, createWebSocketFactory } from './platform.ts';
import type { ProxyInit } from './platform.ts';
import type { RefusedRequest } from './recovery.ts';
import { isExtensionRefused, isLaneRefused, tooLargeCode } from './recovery.ts';
import { Socket } from './socket.ts';
import type { SocketListener, WebSocketFactory } from './socket.ts';
import { SocketLink } from './socket-link.ts';
import type { LinkHost } from './socket-link.ts';
import type { ConnectionState } from './status.ts';

const probeMs = 5_000;
const rotateAgainMs = 30_000;
/** So long before its end, as a server tells it, a connection is replaced. */
const marginMs = 5 * 60_000;

/** The ways to one server. */
export class Routes {
  readonly settings: Settings;
  readonly #options: ConnectOptions;
  readonly #socketUrl: URL;
  readonly #httpUrl: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #traits: ServerTraits;
  /** Whether the server may be a Longwire; it is taken for none once it has refused our fields. */
  #isAsking: boolean;
  readonly #createSocket: WebSocketFactory;
  readonly #proxy: ProxyInit;
  readonly #http: HttpCarrier;
  readonly #memory: NetworkMemory;
  readonly #tell: (state: ConnectionState, reason: string) => void;
  readonly #links = new Set<SocketLink>();
  readonly #end = new AbortController();
  #opening: Promise<void> | null = null;
  #hasLanes: boolean;
  #lifetimeMs: number;
  /** Whether a socket has ever opened. */
  #hasOpened = false;
  #isFallenBack: boolean;
  /** Lanes with a request that was too large for a socket: their conversations only grow, so they stay with HTTP. */
  readonly #outgrown = new WeakSet<Passenger>();

  /** Throws a `TypeError` for options that cannot be. */
  constructor(options: ConnectOptions, tell: (state: ConnectionState, reason: string) => void) {
    const { baseUrl, lanes = 'auto', lifetimeMs = 'auto', resume = true } = options;
    this.settings = resolveSettings(options);
    this.#options = options;
    this.#tell = tell;
    this.#socketUrl = toSocketUrl(baseUrl);
    this.#httpUrl = toHttpUrl(baseUrl);
    this.#headers = toHeaders(options);
    this.#traits = traitsOf(this.#httpUrl.hostname);
    this.#isAsking = resume && this.#traits.mayBeLongwire;
    this.#hasLanes = lanes === 'auto' ? this.#traits.hasLanes : lanes === 'stream_id';
    this.#lifetimeMs = lifetimeMs === 'auto' ? this.#traits.lifetimeMs : lifetimeMs;
    this.#memory = options.networkMemory ?? processMemory;
    this.#proxy = options.proxy === 'none' ? {} : createProxyInit();
    this.#createSocket = options.webSocket ?? createWebSocketFactory(this.#proxy, options.keyInSubprotocol ?? false);
    this.#http = new HttpCarrier({
      url: this.#httpUrl,
      headers: this.#headers,
      fetch: options.fetch ?? ((...request) => fetch(...request)),
      init: options.fetch ? {} : this.#proxy,
      mayBeLongwire: () => this.#isAsking,
    });
    this.#isFallenBack = this.settings.mayUseHttp && this.#memory.hasNoSockets(this.#httpUrl.origin);
  }

  /** Opens a socket, or settles for HTTP. Tries once: a wrong address is told at once. Rejects with a `ConnectError`. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isFallenBack) return this.#tell('fallback', 'no socket opened here before');
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#openOnce(true), aborted.promise]);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** What this lane can send on right now; null for nothing. */
  ready(passenger: Passenger): Carrier | null {
    if (this.#isFallenBack || this.#outgrown.has(passenger)) return this.#http;
    for (const link of this.#links) if (link.isUsable && link.hasSeat(passenger)) return link;
    for (const link of this.#links) if (link.isUsable && link.seat(passenger)) return link;
    return null;
  }

  /** What this lane can send on, opened if need be. Rejects with a `ConnectError`, after as many attempts as the options allow. */
  async acquire(passenger: Passenger): Promise<Carrier> {
    for (let attempt = 0; ; attempt++) {
      const carrier = this.ready(passenger);
      if (carrier) return carrier;
      try {
        await this.#open(attempt >= this.settings.retry.attempts);
      } catch (error) {
        if (attempt >= this.settings.retry.attempts || isFinal(error) || this.#end.signal.aborted) throw error;
        this.#tell('waiting', error instanceof Error ? error.message : '');
        await this.#pause(toBackoffMs(this.settings.retry, attempt, Math.random()));
      }
    }
  }

  /** A lane's request was refused by what it was sent on, and would not be by another. */
  leave(passenger: Passenger, carrier: Carrier, refusal: RefusedRequest): void {
    if (isExtensionRefused(refusal)) {
      this.#isAsking = false;
      return;
    }
    if (!(carrier instanceof SocketLink)) return;
    if (refusal.code === tooLargeCode) {
      this.#outgrown.add(passenger);
      return carrier.unseat(passenger, false);
    }
    if (isLaneRefused(refusal)) {
      if (refusal.code !== 'websocket_stream_limit_reached') this.#hasLanes = false;
      carrier.unseat(passenger, true);
    } else {
      carrier.retire();
      carrier.unseat(passenger, false);
    }
  }

  /** A lane is given up. */
  unseat(passenger: Passenger): void {
    for (const link of this.#links) link.unseat(passenger, false);
  }

  close(): void {
    this.#end.abort(new ConnectError('The connection was closed.'));
    for (const link of this.#links) link.close();
    this.#links.clear();
    this.#http.retire();
  }

  /** One attempt for all lanes that share sockets, one for each lane otherwise. */
  #open(isLast: boolean): Promise<void> {
    if (!this.#hasLanes) return this.#openOnce(isLast);
    this.#opening ??= this.#openOnce(isLast).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openOnce(isLast: boolean): Promise<void> {
    this.#end.signal.throwIfAborted();
    this.#tell('connecting', '');
    const link = new SocketLink(this.#linkHost);
    this.#links.add(link);
    try {
      await link.open();
      this.#hasOpened = true;
    } catch (error) {
      this.#links.delete(link);
      this.#end.signal.throwIfAborted();
      const message = `${error instanceof Error ? error.message : 'No WebSocket opened'} at ${this.#where}.`;
      if (!this.settings.mayUseHttp) throw new ConnectError(message);
      await this.#fallBack(message, isLast || !this.#hasOpened);
    }
  }

  get #where(): string {
    return `${this.#socketUrl.origin}${this.#socketUrl.pathname}`;
  }

  /** Sockets hide why they do not open: asks over HTTP, and stays with it where that answers. */
  async #fallBack(message: string, isAllowed: boolean): Promise<void> {
    const status = await this.#probe();
    this.#end.signal.throwIfAborted();
    if (status === 401 || status === 403) {
      const said = new ResponsesError(`The server answered with ${status}.`, {
        code: status === 401 ? 'invalid_api_key' : null,
        status,
        param: null,
        response: null,
      });
      throw new ConnectError(`${message} Over HTTP it answers ${status}: are the credentials right?`, said);
    }
    if (status === null || status >= 500 || !isAllowed) throw new ConnectError(message);
    this.#memory.setNoSockets(this.#httpUrl.origin);
    this.#isFallenBack = true;
    this.#tell('fallback', message);
  }

  /** The status of a plain GET; null where nothing answers. */
  async #probe(): Promise<number | null> {
    const { fetch: request = fetch } = this.#options;
    const limits = [this.#end.signal, AbortSignal.timeout(Math.min(probeMs, this.settings.timeouts.connectMs))];
    try {
      const answer = await request(this.#httpUrl, {
        ...(this.#options.fetch ? {} : (this.#proxy as object)),
        headers: this.#headers,
        signal: AbortSignal.any(limits),
      });
      await answer.body?.cancel();
      return answer.status;
    } catch {
      return null;
    }
  }

  get #linkHost(): LinkHost {
    return {
      settings: this.settings,
      isAsking: this.#isAsking,
      hasLanes: this.#hasLanes,
      lifetimeMs: () => this.#lifetimeMs,
      dial: (resume, listener) => this.#dial(resume, listener),
      onEnd: (link) => this.#forget(link),
      onOld: (link) => void this.#replace(link),
      onLimit: (message) => this.#learnLifetime(message),
      onState: this.#tell,
    };
  }

  #forget(link: SocketLink): void {
    this.#links.delete(link);
    if (this.#links.size === 0 && !this.#end.signal.aborted) this.#tell('idle', '');
  }

  #dial(resume: string | null, listener: SocketListener): Socket {
    const url = new URL(this.#socketUrl);
    const headers: Record<string, string> = { ...this.#headers };
    if (resume !== null && canSetSocketHeaders) headers['longwire-resume'] = resume;
    else if (resume !== null) url.searchParams.set('longwire_resume', resume);
    return new Socket(() => this.#createSocket(url, { headers }), listener);
  }

  /** Make before break: the old link takes turns until the new one does. */
  async #replace(link: SocketLink): Promise<void> {
    while (link.isUsable) {
      try {
        await this.#openOnce(false);
        return link.retire();
      } catch {
        if (this.#end.signal.aborted) return;
        this.#tell('open', 'no newer socket could be opened yet');
        await this.#pause(rotateAgainMs).catch(() => {});
        if (this.#end.signal.aborted) return;
      }
    }
  }

  #learnLifetime(message: string): void {
    const minutes = Number(/(\d+) minutes/.exec(message)?.[1]);
    if (this.#options.lifetimeMs !== undefined && this.#options.lifetimeMs !== 'auto') return;
    if (minutes > 0) this.#lifetimeMs = Math.max((minutes * 60_000) / 2, minutes * 60_000 - marginMs);
  }

  async #pause(waitMs: number): Promise<void> {
    const { signal } = this.#end;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      }, waitMs);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function isFinal(error: unknown): boolean {
  return !(error instanceof ConnectError) || error.cause instanceof ResponsesError;
}
