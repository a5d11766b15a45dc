/**
 * permessage-deflate from client to server without a zlib stream per connection (RFC 7692; dossier A).
 *
 * A client that keeps its window from message to message refers back at most 32 KiB into what it sent before. So a fresh
 * inflate with the last 32 KiB of plain text as its dictionary reads a message as well as a stream that was never closed:
 * every message begins at a byte boundary with a new block, since its sender flushed the one before. Between messages a
 * connection holds that plain text and nothing else. It must keep it for its whole life: the next message may refer to it.
 */
import { constants, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';

/** What the handshake agreed on, as `ws` names it. */
export interface DeflateParams {
  /** The client forgets its window after each message: there is nothing to keep. */
  readonly client_no_context_takeover?: boolean;
}

type Deliver = (error: Error | null, message?: Buffer) => void;

/** The largest distance of a reference in deflate. */
const windowBytes = 32 * 1024;
/** Inflated on the spot, in well under 2 ms; what is larger is begun again in the thread pool. */
const inlineBytes = 512 * 1024;
const poolChunkBytes = 256 * 1024;
const nothing = Buffer.alloc(0);

/** Stands in for the extension object of `ws`, for its receiver: it inflates and never compresses. */
export class MessageInflater {
  readonly params: DeflateParams;
  readonly #maxBytes: number;
  /** Null until the first message that the next one may refer to. */
  #window: Window | null = null;
  #fragments: Buffer[] = [];
  #failure: 1007 | 1009 | null = null;

  /** `maxBytes`: the largest inflated message. */
  constructor(params: DeflateParams, maxBytes: number) {
    this.params = params;
    this.#maxBytes = maxBytes;
  }

  /** The close code for a message that could not be inflated; null while there was none. */
  get failure(): 1007 | 1009 | null {
    return this.#failure;
  }

  /**
   * One fragment. All but the last are kept compressed, and `ws` limits their sum: a fragment may end in the middle of a
   * block, so only the whole can be inflated. Delivers in a later tick and one message at a time, as the receiver expects.
   */
  decompress(fragment: Buffer, isLast: boolean, deliver: Deliver): void {
    this.#fragments.push(fragment);
    if (!isLast) return process.nextTick(deliver, null, nothing);
    const [first = nothing, ...more] = this.#fragments;
    const message = more.length > 0 ? Buffer.concat(this.#fragments) : first;
    this.#fragments = [];
    const settle = (error: Error | null, text: Buffer) => {
      if (error) {
        this.#failure = isTooLarge(error) ? 1009 : 1007;
        return deliver(error);
      }
      if (!this.params.client_no_context_takeover) (this.#window ??= new Window()).push(text);
      deliver(null, text);
    };
    const text = this.#inflateInline(message);
    if (text === null) inflateRaw(message, this.#optionsFor(this.#maxBytes, poolChunkBytes), settle);
    else if (text instanceof Error) process.nextTick(settle, text, nothing);
    else process.nextTick(settle, null, text);
  }

  /** `ws` calls it when the socket has closed. */
  cleanup(): void {
    this.#window = null;
    this.#fragments = [];
  }

  /** Null when it is worth a thread. */
  #inflateInline(message: Buffer): Buffer | Error | null {
    if (message.length > inlineBytes) return null;
    try {
      return inflateRawSync(message, this.#optionsFor(Math.min(inlineBytes, this.#maxBytes)));
    } catch (thrown) {
      return isTooLarge(thrown) && this.#maxBytes > inlineBytes ? null : (thrown as Error);
    }
  }

  /** Zlib stops at `maxOutputLength`: a message that would grow beyond it is never inflated whole. */
  #optionsFor(maxOutputLength: number, chunkSize?: number): ZlibOptions {
    return {
      maxOutputLength,
      // A message has no final block: the sender flushed and cut off the flush's marker.
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.#window && { dictionary: this.#window.text }),
      ...(chunkSize !== undefined && { chunkSize }),
    };
  }
}

/** The last 32 KiB of what was pushed. Allocated once: a buffer for each message would leave the process's memory in holes. */
class Window {
  readonly #bytes = Buffer.allocUnsafeSlow(windowBytes);
  #start = windowBytes;

  /** A view: it changes with the next push. */
  get text(): Buffer {
    return this.#bytes.subarray(this.#start);
  }

  push(text: Buffer): void {
    const fresh = text.subarray(-windowBytes);
    const at = windowBytes - fresh.length;
    this.#bytes.copyWithin(0, fresh.length);
    fresh.copy(this.#bytes, at);
    this.#start = Math.max(0, this.#start - fresh.length);
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
}
