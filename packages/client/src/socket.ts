/** One WebSocket of the platform, or of whoever makes them instead. */

/** The part of a WebSocket that is used; the platform's own, and `ws`, have it. */
export interface WebSocketLike {
  /** 1 while it is open. */
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  /** Sends a ping where the platform can. */
  ping?(): void;
}

/** Makes a WebSocket that is opening. */
export type WebSocketFactory = (
  url: URL,
  init: { readonly headers: Readonly<Record<string, string>> },
) => WebSocketLike;

/** Told what happens to a socket. After `onClose` nothing more comes, and it comes once, also where the socket never opened. */
export interface SocketListener {
  onOpen(): void;
  /** A text frame; others are skipped, as no event is one. */
  onText(text: string): void;
  onClose(code: number, reason: string): void;
}

/** A socket that tells one listener, and tells it nothing once it is dropped. */
export class Socket {
  readonly #socket: WebSocketLike;
  #listener: SocketListener | null;

  /** Throws what the platform throws, such as for headers that it cannot send. */
  constructor(create: () => WebSocketLike, listener: SocketListener) {
    this.#listener = listener;
    this.#socket = create();
    this.#socket.addEventListener('open', () => this.#listener?.onOpen());
    this.#socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#listener?.onText(data);
    });
    this.#socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason));
    // Where a socket does not open, some platforms send no close.
    this.#socket.addEventListener('error', () => this.#end(1006, ''));
  }

  /** A socket knows of its end before it tells. */
  get isOpen(): boolean {
    return this.#socket.readyState === 1;
  }

  /** Sends, or loses the text where the socket has ended: `onClose` is about to tell. */
  send(text: string): void {
    try {
      this.#socket.send(text);
    } catch {
      queueMicrotask(() => this.#end(1006, ''));
    }
  }

  ping(): void {
    this.#socket.ping?.();
  }

  /** Ends it without a word to the listener. */
  drop(code: number, reason: string): void {
    this.#listener = null;
    this.#socket.close(code, reason);
  }

  #end(code: number, reason: string): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.onClose(code, reason);
  }
}
