/** A `ws` WebSocket that lets its session have the last word and inflates without a stream (docs/decisions/0005, 0007). */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { MessageInflater, type DeflateParams } from './deflate.ts';

const extensionName = 'permessage-deflate';

/** What is used of `ws` beyond its types, here and as `_extensions`; `test/transport/server-socket.test.ts` pins it. */
interface Internals {
  /** The handshake is over: `ws` builds the receiver and begins to read. */
  setSocket(stream: Duplex, head: Buffer, options: { readonly maxPayload: number }): void;
}

const internals = WebSocket.prototype as unknown as Internals;

/** The socket of one connection. Frames leave it uncompressed: send with `compress: false`. */
export class ServerSocket extends WebSocket implements Internals {
  /** What the handshake agreed on. The receiver is built with it. */
  declare _extensions: Record<string, { readonly params: DeflateParams }>;
  #inflater: MessageInflater | null = null;
  #refusedWith: number | null = null;

  /** The close code for a frame that could not be taken: its `error` event has come, and nothing more is read. */
  get refusedWith(): number | null {
    return this.#refusedWith;
  }

  setSocket(stream: Duplex, head: Buffer, options: { readonly maxPayload: number }): void {
    const agreed = this._extensions[extensionName];
    if (agreed) {
      this.#inflater = new MessageInflater(agreed.params, options.maxPayload);
      this._extensions = { [extensionName]: this.#inflater };
    }
    internals.setSocket.call(this, stream, head, options);
  }

  /**
   * Closes with a code and a reason. `ws` calls it too: with the peer's own code and reason, which it answers, and with a
   * bare code (none for an inflater's error) for a frame that breaks a rule. The latter is only noted: the `error` event
   * follows, and the session ends its turns, says why, and closes.
   */
  override close(code?: number, reason?: string | Buffer): void {
    const refusal = reason === undefined ? (code ?? this.#inflater?.failure ?? null) : null;
    if (refusal === null) super.close(code, reason);
    else this.#refusedWith = refusal;
  }
}
