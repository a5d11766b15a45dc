/** A real server on a free port, and a socket that tells its frames in order. */
import { once } from 'node:events';
import type { KnownEvent } from '@longwire/protocol';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { loadConfig } from '../src/config/config.ts';
import type { Engine } from '../src/engine/engine.ts';
import { createScriptedEngine } from '../src/engine/scripted/scripted.ts';
import type { WorkloadTurn } from '../src/engine/scripted/workload.ts';
import { startServer, type RunningServer, type ServerParts } from '../src/server.ts';
import { createMemoryStore } from '../src/store/memory/memory.ts';

/** What a test wants to differ from the defaults. */
export interface Setup extends ServerParts {
  /** Flags of `longwire serve`. */
  readonly flags?: readonly string[];
  /** Turns of the scripted engine that is used where no engine is given. */
  readonly turns?: readonly WorkloadTurn[];
}

/** A frame from the server. Loose on purpose: tests look at what is on the wire. */
export type Frame = KnownEvent & { stream_id?: string; obfuscation?: string };

/** Given, so that no test writes one into the user's data folder. */
const sealingKey = Buffer.alloc(32, 1).toString('base64');

/** A server with a memory store and the scripted model `test-model`, closed at the end of the scope (`await using`). */
export async function startTestServer(setup: Setup = {}): Promise<RunningServer & AsyncDisposable> {
  const flags = setup.flags ?? [];
  const sealing = flags.includes('--sealing-key') ? [] : ['--sealing-key', sealingKey];
  const config = loadConfig(['--port', '0', '--scripted', 'unused', ...sealing, ...flags], {}, () => '');
  const server = await startServer(config, pino({ level: 'silent' }), {
    engines: setup.engines ?? [createTestEngine(setup.turns)],
    store: setup.store === undefined ? createMemoryStore() : setup.store,
  });
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

/** A scripted engine with the model `test-model`; without turns it says "Hello." again and again. */
export function createTestEngine(turns: readonly WorkloadTurn[] = [textTurn('Hello.')]): Engine {
  const workload = { name: 'test-model', instructions: '', tools: [], turns };
  return createScriptedEngine({ workload, rate: 'instant' }) as Engine;
}

const counts = { input: [], contextTokens: 20, newTokens: 8, outputTokens: 5 };

/** A turn that says a text. */
export function textTurn(text: string): WorkloadTurn {
  const content = [{ type: 'output_text' as const, text, annotations: [], logprobs: [] }];
  return {
    ...counts,
    output: [{ type: 'message', id: 'msg_0', role: 'assistant', status: 'completed', content }],
  };
}

/** A turn that calls functions; each call is `[call_id, name, arguments]`. */
export function callTurn(...calls: readonly (readonly [string, string, string])[]): WorkloadTurn {
  return {
    ...counts,
    output: calls.map(([call_id, name, args], index) => ({
      type: 'function_call',
      id: `fc_${index}`,
      call_id,
      name,
      arguments: args,
      status: 'completed',
    })),
  };
}

/** A WebSocket whose frames are read one by one. */
export class TestSocket implements Disposable {
  readonly socket: WebSocket;
  readonly #frames: Frame[] = [];
  #wake: (() => void) | null = null;
  /** Code and reason, once closed. */
  closed: { code: number; reason: string } | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#frames.push(JSON.parse(data.toString()) as Frame);
      this.#wake?.();
    });
    socket.on('close', (code: number, reason: Buffer) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake?.();
    });
    socket.on('error', () => {});
  }

  static async open(url: string, options: { headers?: Record<string, string> } = {}): Promise<TestSocket> {
    const socket = new TestSocket(
      new WebSocket(`${url.replace(/^http/, 'ws')}/responses`, { perMessageDeflate: false, ...options }),
    );
    await once(socket.socket, 'open');
    return socket;
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** Sends a `response.create` for `test-model` with `store:false`, unless the fields say otherwise. */
  create(fields: Record<string, unknown>): void {
    this.send({ type: 'response.create', model: 'test-model', store: false, input: 'Hi.', ...fields });
  }

  /** The next frame; throws when the socket closes first. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) return frame;
      if (this.closed) throw new Error(`The socket closed with ${this.closed.code} ${this.closed.reason}.`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Frames up to and including the next terminal event, of one lane if named (others are dropped). */
  async turn(streamId?: string): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (;;) {
      const frame = await this.next();
      if (streamId !== undefined && frame.stream_id !== streamId) continue;
      frames.push(frame);
      if (isTerminal(frame)) return frames;
    }
  }

  /** The response of the next terminal event; throws on an `error` event. */
  async response(streamId?: string) {
    const last = (await this.turn(streamId)).at(-1);
    if (!last || !('response' in last)) throw new Error(`No response: ${JSON.stringify(last)}`);
    return last.response;
  }

  /** The next event of type `error`, in the nested form. */
  async error() {
    const last = (await this.turn()).at(-1);
    if (last?.type !== 'error' || !('error' in last)) throw new Error(`No error: ${JSON.stringify(last)}`);
    return last;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

/** Whether nothing more comes for the response. */
export function isTerminal(frame: { type: string }): boolean {
  return ['response.completed', 'response.incomplete', 'response.failed', 'error'].includes(frame.type);
}
