/** A proxy on loopback between a client and a server: it writes down what they say and breaks the line where it is told to. */
import type { Break as LineBreak, Place } from '../../src/chaos/fault.ts';
import type { Frame } from '../../src/chaos/frame.ts';
import { startChaosProxy } from '../../src/chaos/proxy.ts';
import type { ChaosHooks, ChaosProxy, Verdict } from '../../src/chaos/proxy.ts';

/** A request as the client sent it. */
export interface SeenRequest {
  /** Counts the sockets from 1; 0 is HTTP. */
  readonly socket: number;
  /** When it came; monotonic. */
  readonly atMs: number;
  /** How many input items came with it. */
  readonly items: number;
  /** Its size without the frame. */
  readonly bytes: number;
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

const untilTimeoutMs = 60_000;

/** The cutting proxy of `longwire chaos`, told by what is in a frame instead of by its number. */
export class FaultProxy implements AsyncDisposable {
  readonly #faults: { readonly fault: Fault; left: number }[];
  readonly #issued = new Map<number, Set<string>>();
  readonly #wakes = new Set<() => void>();
  #proxy: ChaosProxy | null = null;
  #refusalsLeft: number;
  #strayIdsLeft: number;
  readonly requests: SeenRequest[] = [];
  readonly events: SeenEvent[] = [];

  private constructor(plan: FaultPlan) {
    this.#faults = (plan.faults ?? []).map((fault) => ({ fault, left: fault.times }));
    this.#refusalsLeft = plan.refusals?.times ?? 0;
    this.#strayIdsLeft = plan.strayIds ?? 0;
  }

  /** Listens on a free port in front of the server at `baseUrl`, whose process may end and come back. */
  static async start(baseUrl: string, plan: FaultPlan = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy(plan);
    const hooks: ChaosHooks = {
      refusalOf: () => {
        if (proxy.#refusalsLeft === 0) return null;
        proxy.#refusalsLeft -= 1;
        return plan.refusals?.status ?? null;
      },
      judge: (place, frame) => proxy.#judge(place, frame),
      posted: (body) => {
        proxy.#request(body, 0);
        proxy.#wake();
      },
      changed: () => proxy.#wake(),
    };
    proxy.#proxy = await startChaosProxy({ target: new URL(baseUrl), isReadable: true, ...hooks });
    return proxy;
  }

  /** Stands in for the server's own base URL. */
  get baseUrl(): string {
    return this.#started.url;
  }

  /** Upgrades, the refused ones included. */
  get upgrades(): number {
    return this.#started.connections.length;
  }

  /** Sockets that opened. */
  get opened(): number {
    return this.#started.connections.filter(({ status }) => status === 101).length;
  }

  /** Sockets that are open now. */
  get open(): number {
    return this.#started.connections.filter(({ isOpen }) => isOpen).length;
  }

  /** Codes with which the server closed of its own accord. */
  get serverCloses(): number[] {
    return this.#started.connections.flatMap(({ serverCloseCode: code }) => (code === null ? [] : [code]));
  }

  /** Breaks every open line and waits until the break has arrived at the client. */
  async breakAll(how: Break): Promise<void> {
    await this.#started.breakAll(toBreak(how, false));
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
    await this.#started[Symbol.asyncDispose]();
  }

  get #started(): ChaosProxy {
    if (this.#proxy === null) throw new Error('The proxy has not started.');
    return this.#proxy;
  }

  #judge({ connection, direction }: Place, frame: Frame): Verdict {
    const text = frame.payload().toString();
    // Refused upgrades have a number as well, but are no sockets.
    const socket = this.#started.connections.filter(
      ({ number, status }) => number <= connection && status === 101,
    ).length;
    return direction === 'up' ? this.#request(text, socket) : this.#event(text, socket);
  }

  /** Notes the requests that the client sends, and what goes on to the server in their place. */
  #request(text: string, socket: number): Verdict {
    const body = JSON.parse(text) as Record<string, unknown>;
    if (socket > 0 && body['type'] !== 'response.create') return null;
    const id = typeof body['previous_response_id'] === 'string' ? body['previous_response_id'] : null;
    this.requests.push({
      socket,
      atMs: performance.now(),
      items: Array.isArray(body['input']) ? body['input'].length : 1,
      bytes: Buffer.byteLength(text),
      isWarmUp: body['generate'] === false,
      previousResponseId: id,
      isOwnChain: id === null || this.#issued.get(socket)?.has(id) === true,
    });
    if (id === null || socket === 0 || this.#strayIdsLeft === 0) return null;
    this.#strayIdsLeft -= 1;
    return { kind: 'replace', text: JSON.stringify({ ...body, previous_response_id: `${id}stray` }) };
  }

  #event(text: string, socket: number): Verdict {
    const issued = this.#issued.get(socket) ?? new Set();
    this.#issued.set(socket, issued);
    const event = toSeenEvent(socket, text, issued);
    this.events.push(event);
    const due = this.#faults.find(({ fault, left }) => left > 0 && fault.at(event));
    if (!due) return null;
    due.left -= 1;
    return toBreak(due.fault.how, due.fault.delivers ?? false);
  }

  #wake(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }
}

function toBreak(how: Break, after: boolean): LineBreak {
  return how === 'reset' ? { kind: 'reset', after } : { kind: 'close', after, code: how };
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
