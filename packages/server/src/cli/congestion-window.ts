/** What TCP lets out before it hears from the other side, on a link that loses nothing: slow start, and what silence costs it (RFC 5681, RFC 2861). */

/** Ten segments of 1,460 bytes. */
export const initialWindowBytes = 14_600;
/** What Linux adds to the round trip before it takes silence for a loss. */
const leastTimeoutMs = 200;

/** One direction of a connection. */
export class CongestionWindow {
  readonly #timeoutMs: number;
  readonly #pauseMs: number;
  #bytes = initialWindowBytes;
  #inFlight = 0;
  #lastSentMs = -Infinity;

  /** `pauseMs`: by how much longer each silence between bursts counts than it was, where nobody wants to wait for it. */
  constructor(rttMs: number, pauseMs = 0) {
    this.#timeoutMs = rttMs + leastTimeoutMs;
    this.#pauseMs = pauseMs;
  }

  /** There is something to send again, at `nowMs`: if all was acknowledged, it was silent. Each time-out of silence halves what was learned. */
  wake(nowMs: number): void {
    if (this.#inFlight > 0) return;
    let silenceMs = nowMs - this.#lastSentMs + this.#pauseMs;
    for (; silenceMs > this.#timeoutMs && this.#bytes > initialWindowBytes; silenceMs -= this.#timeoutMs) {
      this.#bytes = Math.max(initialWindowBytes, Math.floor(this.#bytes / 2));
    }
  }

  /** How many of `bytes` may leave at `nowMs`; they have left then. */
  send(bytes: number, nowMs: number): number {
    const sent = Math.min(bytes, Math.max(0, this.#bytes - this.#inFlight));
    if (sent > 0) this.#lastSentMs = nowMs;
    this.#inFlight += sent;
    return sent;
  }

  /** The other side has `bytes`: the window grows by as many, while it is what limits. */
  acknowledge(bytes: number): void {
    if (this.#bytes < 2 * this.#inFlight) this.#bytes += bytes;
    this.#inFlight -= bytes;
  }
}
