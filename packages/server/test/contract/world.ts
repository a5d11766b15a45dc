/** The real side of the model test: a server, one socket at a time, and what came in each lane in the model's words. */
import { once } from 'node:events';
import type { KnownEvent, Response } from '@longwire/protocol';
import { WebSocket } from 'ws';
import type { RunningServer } from '../../src/server.ts';
import type { ControlledEngine } from './controlled-engine.ts';
import { defaultLane, type Create } from './model.ts';
import { WireChecker } from './wire.ts';

/** A socket to the server, and the names of the responses that were seen. */
export class World {
  /** What came in each lane, in order. */
  readonly told = new Map<string, string[]>();
  readonly #server: RunningServer;
  readonly #engine: ControlledEngine;
  readonly #ids = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #socket: WebSocket | null = null;
  #closed: Promise<void> = Promise.resolve();
  #checker = new WireChecker();
  #error: unknown = null;

  constructor(server: RunningServer, engine: ControlledEngine) {
    this.#server = server;
    this.#engine = engine;
  }

  async open(): Promise<void> {
    const socket = new WebSocket(`${this.#server.url.replace(/^http/, 'ws')}/responses`);
    const checker = new WireChecker();
    socket.on('message', (data: Buffer, isBinary) => {
      try {
        if (isBinary) throw new Error('A binary frame.');
        const { streamId, event } = checker.accept(data.toString());
        this.#tell(streamId ?? defaultLane, event);
      } catch (error) {
        this.#error ??= error;
      }
    });
    await once(socket, 'open');
    this.#closed = this.#watch(socket);
    this.#socket = socket;
    this.#checker = checker;
    this.told.clear();
  }

  async #watch(socket: WebSocket): Promise<void> {
    const [code] = (await once(socket, 'close')) as [number];
    this.#error ??= new Error(`The socket was closed with ${code}.`);
  }

  /** Closes the socket; resolves once the engine was told of every turn that ran on it. */
  async close(): Promise<void> {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.close();
    await this.#closed;
    this.#error = null;
    await this.#engine.ended([...this.#names.keys()]);
  }

  send(frame: unknown): void {
    this.#socket?.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  create({ lane, parent, text, answers, plan, store, generate, model }: Create, more: object = {}): void {
    this.send({
      type: 'response.create',
      ...(lane === defaultLane ? {} : { stream_id: lane }),
      model,
      store,
      metadata: { plan },
      previous_response_id: parent === null ? null : this.idOf(parent),
      ...(generate ? {} : { generate: false }),
      input: [
        ...answers.map((call) => ({ type: answerTypeOf(call), call_id: this.#callIdOf(call), output: 'x' })),
        { role: 'user', content: text },
      ],
      ...more,
    });
  }

  release(name: string): void {
    this.#engine.release(this.idOf(name));
  }

  /** The id of a response; of a name that no response has, an id that nobody knows. */
  idOf(name: string): string {
    return this.#ids.get(name) ?? `resp_${name}`;
  }

  /**
   * Resolves when the server has done everything that it could do with what was sent. What it does with a frame it does in microtasks,
   * so the pong of a second ping comes after all of it. Throws what was wrong with a frame.
   */
  async settled(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const socket = this.#socket;
      if (!socket) return;
      const answered = once(socket, 'pong');
      socket.ping();
      await Promise.race([answered, this.#closed]);
    }
    if (this.#error) throw this.#error;
  }

  /** Throws when a response began and did not end. */
  requireNothingOpen(): void {
    if (this.#checker.openLanes.length > 0) throw new Error(`Still open: ${this.#checker.openLanes.join(' ')}.`);
  }

  #tell(lane: string, event: KnownEvent): void {
    const line = this.#describe(lane, event);
    if (line === null) return;
    const told = this.told.get(lane);
    if (told) told.push(line);
    else this.told.set(lane, [line]);
  }

  #describe(lane: string, event: KnownEvent): string | null {
    switch (event.type) {
      case 'response.created':
        return `created ${this.#name(lane, event.response.id)} after ${this.#nameOf(event.response.previous_response_id)}`;
      case 'response.completed':
        return `completed ${this.#nameOf(event.response.id)} ${event.response.usage?.input_tokens} ${textOf(event.response)}`;
      case 'response.incomplete':
        return this.#describeIncomplete(event.response);
      case 'response.failed':
        return `failed ${this.#nameOf(event.response.id)}`;
      case 'error':
        return `error ${'error' in event ? event.error.code : ''}`;
      case 'response.steer.accepted':
        return `steer.accepted ${this.#nameOf(event.steer.previous_response_id)}`;
      case 'response.steer.pending': {
        const calls = event.required_input.map((input) => this.#callOf('call_id' in input ? input.call_id : ''));
        return `steer.pending ${this.#nameOf(event.steer.previous_response_id)} ${calls.join(' ')}`;
      }
      case 'response.steer.failed':
        return `steer.failed ${event.steer.id === undefined ? '' : 'accepted '}${event.error.code}`;
      default:
        return null;
    }
  }

  #describeIncomplete(response: Response): string {
    const reason = response.incomplete_details?.reason ?? '';
    const tokens = response.usage ? `${response.usage.input_tokens} ` : '';
    return `${reason} ${this.#nameOf(response.id)} ${tokens}${textOf(response)}`;
  }

  #name(lane: string, id: string): string {
    const count = (this.#counts.get(lane) ?? 0) + 1;
    this.#counts.set(lane, count);
    const name = `${lane}#${count}`;
    this.#ids.set(name, id);
    this.#names.set(id, name);
    return name;
  }

  #nameOf(id: string | null): string {
    return id === null ? 'null' : (this.#names.get(id) ?? id);
  }

  /** `a#1/1` is the first call of the response `a#1`. */
  #callIdOf(call: string): string {
    const [name = '', number] = call.split('/');
    return `call_${this.idOf(name)}_${number}`;
  }

  #callOf(callId: string): string {
    const [, id = '', number] = /^call_(.*)_(\d)$/.exec(callId) ?? [];
    return `${this.#nameOf(id)}/${number}`;
  }
}

/** The engine's second call is one of a custom tool. */
function answerTypeOf(call: string): string {
  return call.endsWith('/2') ? 'custom_tool_call_output' : 'function_call_output';
}

function textOf({ output }: Response): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');
}
