/** What goes wrong upstream, as errors of the catalogue (dossier J.3). Keys and addresses of the upstream never get into a message. */
import { catalogue, errors, type ProtocolError } from '@longwire/protocol';

/** An answer that is not a stream. */
export interface FailedReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as text; may be cut. */
  readonly body: string;
}

const defaultRetryMs = 1_000;
const maxMessageLength = 500;

const tooLong =
  /context[_ ](length|size|window)|maximum context|prompt is too long|too many (input |prompt )?tokens|longer than the (maximum )?model/i;

/** The errors of one engine. `secrets` are taken out of whatever the upstream says. */
export class UpstreamErrors {
  readonly #engine: string;
  readonly #secrets: readonly string[];

  constructor(engine: string, secrets: readonly string[]) {
    this.#engine = engine;
    this.#secrets = secrets.filter((secret) => secret !== '');
  }

  /** An HTTP answer other than 200. `model` is the one that was asked for. */
  fromReply(reply: FailedReply, model: string): ProtocolError {
    return this.#classify(reply.status, parseFault(reply.body), model, toRetryMs(reply.headers));
  }

  /** An error object inside a stream that had begun well. */
  fromStream(body: unknown, model: string): ProtocolError {
    const fault = toFault(body);
    const status = typeof fault.code === 'number' && fault.code >= 400 && fault.code < 600 ? fault.code : 500;
    return this.#classify(status, fault, model, defaultRetryMs);
  }

  /**
   * An `error` event of the Responses API, nested or flat, or the `error` of a failed response (dossier J.1). These seldom tell
   * their status: the code does.
   */
  fromResponses(event: unknown, model: string): ProtocolError {
    const fault = toFault(event);
    const outer = isRecord(event) ? event : {};
    const inner = isRecord(outer['error']) ? outer['error'] : {};
    const status = [outer['status'], outer['status_code']].find((each) => typeof each === 'number');
    const headers = { ...toHeaders(inner['headers']), ...toHeaders(outer['headers']) };
    return this.#classify(status ?? statusOf(fault), fault, model, toRetryMs(headers));
  }

  /** No connection, or one that broke. */
  fromConnection(cause: unknown): ProtocolError {
    return errors.engineUnavailable(`The engine '${this.#engine}' cannot be reached.`, cause);
  }

  /** The connection ended, or something unreadable came, before the answer was whole. */
  brokenStream(what: string, cause?: unknown): ProtocolError {
    return errors.engineUnavailable(`The engine '${this.#engine}' ${what}.`, cause);
  }

  connectTimeout(limitMs: number): ProtocolError {
    return errors.engineUnavailable(`The engine '${this.#engine}' did not take the connection within ${limitMs} ms.`);
  }

  silence(limitMs: number): ProtocolError {
    return errors.engineTimeout(`The engine '${this.#engine}' sent nothing for ${limitMs} ms.`);
  }

  #classify(status: number, fault: Fault, model: string, retryMs: number): ProtocolError {
    const message = this.#clean(fault.message);
    const cause = message === '' ? undefined : new Error(`${status}: ${message}`);
    const kind = `${String(fault.code)} ${fault.type}`;

    if (status === 401 || status === 403) {
      return errors.engineUnavailable(`The engine '${this.#engine}' refused this server's credentials.`, cause);
    }
    if (fault.limits) return errors.contextLengthExceeded(fault.limits.contextTokens, fault.limits.promptTokens);
    if (/context_length_exceeded|exceed_context_size/.test(kind) || (status !== 429 && tooLong.test(message))) {
      return errors.engineContextLengthExceeded(message);
    }
    if (kind.includes('model_not_found') || (status === 404 && /model/i.test(message)))
      return errors.modelNotFound(model);
    if (kind.includes('invalid_prompt')) return errors.invalidPrompt(message, cause);
    if (/server_is_overloaded|slow_down|queue_limit_reached|is_draining/.test(kind)) {
      return errors.serverIsOverloaded(retryMs);
    }
    if (/insufficient_quota|credit_balance|usage_limit_reached/.test(kind)) {
      return errors.engineUnavailable(`The engine '${this.#engine}' has no quota left.`, cause);
    }
    if (status === 429) {
      const seconds = Math.max(1, Math.ceil(retryMs / 1000));
      return errors.rateLimitExceeded(
        `The engine '${this.#engine}' is limiting its requests. Please try again in ${seconds}s.`,
        retryMs,
      );
    }
    if (status === 408 || status === 504) return errors.engineTimeout(`The engine '${this.#engine}' timed out.`);
    if (status >= 400 && status < 500 && status !== 404 && status !== 405) {
      return errors.invalidRequest(
        `The engine '${this.#engine}' refused the request${message === '' ? ` (${status})` : `: ${message}`}`,
      );
    }
    return errors.engineUnavailable(`The engine '${this.#engine}' failed (${status}).`, cause);
  }

  #clean(message: string): string {
    let clean = message.replace(/\/\/[^/\s@]+@/g, '//');
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '…');
    return clean.length > maxMessageLength ? `${clean.slice(0, maxMessageLength)}…` : clean;
  }
}

interface Fault {
  readonly message: string;
  readonly type: string;
  readonly code: string | number | null;
  /** Both counts, where the server tells them (llama-server). */
  readonly limits: { readonly contextTokens: number; readonly promptTokens: number } | null;
}

function parseFault(body: string): Fault {
  try {
    return toFault(JSON.parse(body));
  } catch {
    // A proxy's HTML page says nothing to the client.
    return { message: '', type: '', code: null, limits: null };
  }
}

/** Reads `{error:{…}}`, `{error:"…"}`, `{object:"error",…}`, `{message}` and FastAPI's `{detail}`. */
function toFault(body: unknown): Fault {
  const outer = isRecord(body) ? body : { message: body };
  const fault = isRecord(outer['error']) ? outer['error'] : outer;
  const said = [fault['message'], outer['error'], fault['detail']].find((each) => typeof each === 'string');
  const { code, type, n_ctx: contextTokens, n_prompt_tokens: promptTokens } = fault;
  return {
    message: typeof said === 'string' ? said : '',
    type: typeof type === 'string' ? type : '',
    code: typeof code === 'string' || typeof code === 'number' ? code : null,
    limits:
      typeof contextTokens === 'number' && typeof promptTokens === 'number' ? { contextTokens, promptTokens } : null,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The status of an error that tells only a code and a type; what is neither known nor the server's own is the request's. */
function statusOf({ code, type }: Fault): number {
  if (typeof code === 'string' && Object.hasOwn(catalogue, code))
    return catalogue[code as keyof typeof catalogue].status;
  const kind = `${String(code)} ${type}`;
  if (/rate_limit|quota/.test(kind)) return 429;
  if (/server_error|timeout|unavailable|overloaded/.test(kind)) return 500;
  return code === null && type === '' ? 500 : 400;
}

function toHeaders(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {};
  const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(entries.map(([name, text]) => [name.toLowerCase(), text]));
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date. Milliseconds. */
function toRetryMs(headers: FailedReply['headers']): number {
  const exact = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (exact > 0) return exact;
  const value = headers['retry-after'];
  if (typeof value !== 'string') return defaultRetryMs;
  const seconds = Number(value);
  if (seconds > 0) return seconds * 1000;
  const until = Date.parse(value) - Date.now();
  return until > 0 ? until : defaultRetryMs;
}
