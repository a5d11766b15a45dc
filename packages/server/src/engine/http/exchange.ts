/** One HTTP request and its answer, with a deadline for every phase. */
import type http from 'node:http';
import type { UpstreamErrors } from './errors.ts';

/** Limits of one request. Milliseconds. */
export interface UpstreamTimeouts {
  /** From the request to an open connection. */
  readonly connectTimeoutMs: number;
  /** From an open connection to the first byte of the answer: the prompt's evaluation lies in between. */
  readonly firstByteTimeoutMs: number;
  /** Between two reads of the answer. */
  readonly stallTimeoutMs: number;
}

/** One request, ready to be written. */
export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: readonly Uint8Array[];
  readonly timeouts: UpstreamTimeouts;
  readonly signal: AbortSignal | null;
}

/** An answer whose head has arrived. */
export interface UpstreamReply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /**
   * The body, one chunk per read of the socket. Throws a catalogue error when it breaks or stalls, the signal's reason when
   * aborted. Leaving early gives the connection up.
   */
  chunks(): AsyncGenerator<Buffer, void, undefined>;
  /** The body as text, cut at `maxBytes`. */
  text(maxBytes: number): Promise<string>;
  /** Before leaving `chunks` early: the rest is read and dropped, so that the connection can be used again. */
  drain(): void;
}

/** A request that is under way. */
export class Exchange implements UpstreamReply {
  readonly #request: http.ClientRequest;
  readonly #call: Call;
  readonly #errors: UpstreamErrors;
  readonly #head: Promise<http.IncomingMessage>;
  #response: http.IncomingMessage | null = null;
  #deadline: NodeJS.Timeout | null = null;
  /** Why we destroyed the request ourselves. */
  #reason: unknown = null;
  #lost: NodeJS.ErrnoException | null = null;
  #draining = false;

  constructor(request: http.ClientRequest, call: Call, errors: UpstreamErrors) {
    this.#request = request;
    this.#call = call;
    this.#errors = errors;
    this.#head = new Promise((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', (error) => {
        this.#lost = error;
        reject(this.#toError(error));
      });
    });
    call.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (call.signal?.aborted) this.#onAbort();
    this.#watchConnection();
    request.cork();
    for (const each of call.body) request.write(each);
    request.end();
  }

  /** Whether a kept connection turned out to be dead before any of the answer. */
  get wasStale(): boolean {
    const code = this.#lost?.code;
    return this.#reason === null && this.#request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
  }

  get status(): number {
    return this.#response?.statusCode ?? 0;
  }

  get headers(): http.IncomingHttpHeaders {
    return this.#response?.headers ?? {};
  }

  async head(): Promise<this> {
    try {
      this.#response = await this.#head;
    } catch (error) {
      this.#settle();
      throw error;
    }
    // A body that breaks while nobody reads it is no concern of the process.
    this.#response.on('error', () => {});
    return this;
  }

  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    const response = this.#response;
    if (!response) return;
    const { stallTimeoutMs } = this.#call.timeouts;
    let whole = false;
    try {
      // Reads paused: each step takes all that one read of the socket brought.
      for await (const chunk of response.iterator({ destroyOnReturn: false })) {
        // No deadline while the reader is slow: it is the upstream that must not stall.
        this.#clearDeadline();
        yield chunk as Buffer;
        this.#setDeadline(stallTimeoutMs, () => this.#errors.silence(stallTimeoutMs));
      }
      whole = true;
    } catch (error) {
      throw this.#toError(error);
    } finally {
      this.#settle();
      if (!whole) this.#leave(response);
    }
  }

  async text(maxBytes: number): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.chunks()) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= maxBytes) break;
    }
    return Buffer.concat(chunks).subarray(0, maxBytes).toString();
  }

  drain(): void {
    this.#draining = true;
  }

  readonly #onAbort = (): void => this.#destroy(this.#call.signal?.reason ?? new Error('Aborted.'));

  #watchConnection(): void {
    const { connectTimeoutMs, firstByteTimeoutMs } = this.#call.timeouts;
    this.#setDeadline(connectTimeoutMs, () => this.#errors.connectTimeout(connectTimeoutMs));
    this.#request.once('socket', (socket) => {
      const opened = (): void => this.#setDeadline(firstByteTimeoutMs, () => this.#errors.silence(firstByteTimeoutMs));
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', opened);
      else opened();
    });
  }

  /** What follows must happen within `limitMs`, or the request ends with the reason. */
  #setDeadline(limitMs: number, toReason: () => unknown): void {
    this.#clearDeadline();
    this.#deadline = setTimeout(() => this.#destroy(toReason()), limitMs);
  }

  #clearDeadline(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
    this.#deadline = null;
  }

  #destroy(reason: unknown): void {
    this.#reason ??= reason;
    this.#request.destroy();
  }

  /** The reader has gone: a drained connection is kept when its answer ends soon, any other is closed. */
  #leave(response: http.IncomingMessage): void {
    if (!this.#draining) {
      this.#request.destroy();
      return;
    }
    const { connectTimeoutMs } = this.#call.timeouts;
    this.#setDeadline(connectTimeoutMs, () => this.#errors.silence(connectTimeoutMs));
    response.once('close', () => this.#clearDeadline());
    response.resume();
  }

  #settle(): void {
    this.#clearDeadline();
    this.#call.signal?.removeEventListener('abort', this.#onAbort);
  }

  #toError(error: unknown): unknown {
    if (this.#reason !== null) return this.#reason;
    return this.#response
      ? this.#errors.brokenStream('broke off its answer', error)
      : this.#errors.fromConnection(error);
  }
}
