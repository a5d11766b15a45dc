/** One WebSocket through the proxy: two TCP connections, frames from one to the other, and the fault that ends it. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Break, Direction, Fault } from './fault.ts';
import { closeCodeOf, closeOpcode, encodeClose, encodeText, FrameSplitter } from './frame.ts';
import type { Frame } from './frame.ts';

/** What to do with a frame: a fault, or another text in its place. Null lets it pass. */
export type Verdict = Fault | { readonly kind: 'replace'; readonly text: string } | null;

/** What a line asks and tells. */
export interface LineHooks {
  /** Asked for each data frame before it passes; frames of a direction are counted from 1. */
  judge(direction: Direction, number: number, frame: Frame): Verdict;
  /** The server sent a close frame, and not as an answer to the client's. */
  serverClosed(code: number): void;
  /** The server has ended its side, of itself or because the line did. */
  serverLeft(): void;
  /** Both TCP connections are gone. */
  ended(): void;
}

/** More than any server takes (16 MiB is common): what is larger is not held. */
const maxFrameBytes = 256 * 1024 * 1024;
/** How long a peer may take to answer a FIN with its own. */
const lingerMs = 1000;

/** A direction of the line. */
interface Flow {
  readonly direction: Direction;
  readonly from: Socket;
  readonly to: Socket;
  readonly splitter: FrameSplitter;
  frames: number;
  /** What came since a delay began; null while there is none. */
  waiting: Frame[] | null;
  /** Nothing more comes after what waits. */
  isOver: boolean;
}

/** A line through which frames pass from its creation on. */
export class Line {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #hooks: LineHooks;
  readonly #timers = new Set<NodeJS.Timeout>();
  #open = 2;
  #isBroken = false;
  /** One side has sent a close frame. */
  #isClosing = false;

  /** `near` leads to the client, `far` to the server; both have finished their handshake. */
  constructor(near: Socket, far: Socket, hooks: LineHooks) {
    this.#near = near;
    this.#far = far;
    this.#hooks = hooks;
    for (const [direction, from, to] of [
      ['up', near, far],
      ['down', far, near],
    ] as const) {
      this.#run({
        direction,
        from,
        to,
        splitter: new FrameSplitter(maxFrameBytes),
        frames: 0,
        waiting: null,
        isOver: false,
      });
    }
  }

  /** Breaks the line now, between two frames. */
  break(fault: Break): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    switch (fault.kind) {
      case 'cut':
        return this.#finish(this.#near, this.#far);
      case 'close':
        this.#near.write(encodeClose(fault.code));
        return this.#finish(this.#near, this.#far);
      case 'reset':
        // An RST overtakes what this process still holds: that must be on its way first.
        for (const socket of [this.#near, this.#far]) socket.write('', () => reset(socket));
        return;
      case 'stall':
        return;
    }
  }

  /** Ends it without ceremony. */
  destroy(): void {
    this.#isBroken = true;
    this.#near.destroy();
    this.#far.destroy();
  }

  #run(flow: Flow): void {
    const { from, to } = flow;
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => this.#receive(flow, bytes));
    from.on('drain', () => to.resume());
    from.on('error', () => {
      if (!this.#isBroken) reset(to);
    });
    from.on('end', () => this.#pass(flow));
    // A reset has no end, and an end that we do not answer has no close.
    if (from === this.#far) for (const end of ['end', 'close']) from.once(end, () => this.#hooks.serverLeft());
    from.on('close', () => {
      this.#pass(flow);
      this.#open -= 1;
      if (this.#open > 0) return;
      for (const timer of this.#timers) clearTimeout(timer);
      this.#hooks.ended();
    });
    from.resume();
  }

  /** One side has said its last: so does the other, unless the line is broken; a black hole tells nobody of an end. */
  #pass(flow: Flow): void {
    if (this.#isBroken) return;
    if (flow.waiting === null) flow.to.end();
    else flow.isOver = true;
  }

  #receive(flow: Flow, bytes: Buffer): void {
    if (this.#isBroken) return;
    try {
      for (const frame of flow.splitter.push(bytes)) this.#take(flow, frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.break({ kind: 'cut', after: false });
    }
  }

  #take(flow: Flow, frame: Frame): void {
    if (this.#isBroken) return;
    if (flow.waiting !== null) return void flow.waiting.push(frame);
    if (!frame.isControl) return this.#judge(flow, frame);
    if (frame.opcode === closeOpcode) this.#noteClose(flow, frame);
    this.#send(flow, frame.bytes);
  }

  #noteClose({ direction }: Flow, frame: Frame): void {
    if (direction === 'down' && !this.#isClosing) this.#hooks.serverClosed(closeCodeOf(frame));
    this.#isClosing = true;
  }

  #judge(flow: Flow, frame: Frame): void {
    flow.frames += 1;
    const verdict = this.#hooks.judge(flow.direction, flow.frames, frame);
    switch (verdict?.kind) {
      case undefined:
        return this.#send(flow, frame.bytes);
      case 'replace':
        return this.#send(flow, encodeText(verdict.text, flow.direction === 'up'));
      case 'duplicate':
        this.#send(flow, frame.bytes);
        return this.#send(flow, frame.bytes);
      case 'delay':
        return this.#delay(flow, frame, verdict.ms);
      case 'truncate':
        this.#send(flow, frame.bytes.subarray(0, Math.ceil(frame.bytes.length / 2)));
        return this.break({ kind: 'cut', after: false });
      case 'cut':
      case 'reset':
      case 'close':
        if (verdict.after) this.#send(flow, frame.bytes);
        return this.break(verdict);
      case 'stall':
        return this.break(verdict);
    }
  }

  #send({ from, to }: Flow, bytes: Buffer): void {
    if (to.writable && !to.write(bytes)) from.pause();
  }

  #delay(flow: Flow, frame: Frame, ms: number): void {
    flow.waiting = [];
    this.#after(ms, () => {
      const waited = flow.waiting ?? [];
      flow.waiting = null;
      if (this.#isBroken) return;
      this.#send(flow, frame.bytes);
      for (const each of waited) this.#take(flow, each);
      if (flow.isOver) this.#pass(flow);
    });
  }

  /** Sends a FIN to each, and takes what they still say until they have answered it. */
  #finish(...sockets: readonly Socket[]): void {
    for (const socket of sockets) {
      socket.end();
      socket.resume();
      this.#after(lingerMs, () => socket.destroy());
    }
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}

/** Node resets plain TCP only: a server behind TLS gets a FIN without TLS's own farewell. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
