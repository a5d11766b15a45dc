/** Turns over one WebSocket: new items only, or the whole envelope around them as Codex sends it. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Item } from '@longwire/protocol';
import { WebSocket } from 'ws';
import { isDelta, parseTerminal } from './bench-answer.ts';
import type { BenchMode, BenchTarget, Conversation, Driver, TurnTimes } from './bench-driver.ts';

type SocketMode = Extract<BenchMode, `ws-${string}`>;

/** Codex repeats about this much about its session in every frame. */
const codexMetadata = {
  'x-codex-turn-metadata': JSON.stringify({ session: 'b'.repeat(36), workspace: 'w'.repeat(700), sandbox: 'none' }),
  'x-codex-window-id': `${'0'.repeat(36)}:0`,
};

/** Connects. Throws when the server refuses the handshake. */
export async function createSocketDriver(
  mode: SocketMode,
  target: BenchTarget,
  conversation: Conversation,
): Promise<Driver> {
  const headers = { ...(target.apiKey ? { authorization: `Bearer ${target.apiKey}` } : {}), ...target.headers };
  const socket = new WebSocket(`${target.url.replace(/^http/, 'ws')}/responses`, {
    headers,
    perMessageDeflate: mode === 'ws-codex-deflate' ? { threshold: 0 } : false,
    ...(target.certificate !== undefined && { ca: target.certificate }),
  });
  const upgraded = once(socket, 'upgrade') as Promise<[IncomingMessage]>;
  const [[{ socket: stream }]] = await Promise.all([upgraded, once(socket, 'open')]);
  return new SocketDriver(socket, stream, mode, conversation);
}

class SocketDriver implements Driver {
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #envelope: Readonly<Record<string, unknown>>;
  #parentId: string | undefined;

  constructor(socket: WebSocket, stream: Socket, mode: SocketMode, { model, instructions, tools }: Conversation) {
    this.#socket = socket;
    this.#stream = stream;
    const base = {
      type: 'response.create',
      model,
      instructions,
      store: false,
      stream_options: { include_obfuscation: false },
    };
    const codex = {
      tools,
      tool_choice: 'auto',
      parallel_tool_calls: true,
      include: [],
      client_metadata: codexMetadata,
    };
    // Tools must be named in each request either way: the API does not inherit them. Who sends only new items has none to repeat.
    this.#envelope = mode === 'ws-delta' ? { ...base, instructions: null } : { ...base, ...codex };
  }

  get deflated(): boolean {
    return this.#socket.extensions.includes('permessage-deflate');
  }

  turn(input: readonly Item[]): Promise<TurnTimes> {
    const frame = JSON.stringify({ ...this.#envelope, previous_response_id: this.#parentId, input });
    const { bytesWritten, bytesRead } = this.#stream;
    return new Promise((resolve, reject) => {
      const startMs = performance.now();
      let firstMs: number | null = null;
      let events = 0;
      const receive = (data: Buffer): void => {
        events++;
        const head = data.toString('latin1', 0, 80);
        if (isDelta(head)) {
          firstMs ??= performance.now() - startMs;
          return;
        }
        if (!/"type":"(?:error|response\.(?:completed|incomplete|failed))"/.test(head)) return;
        const totalMs = performance.now() - startMs;
        this.#socket.off('message', receive).off('close', lost);
        try {
          const response = parseTerminal(data.toString())?.response;
          if (!response) throw new Error(`No end of a turn: ${head}`);
          this.#parentId = response.id;
          resolve({
            firstMs: firstMs ?? totalMs,
            totalMs,
            events,
            bytesUp: this.#stream.bytesWritten - bytesWritten,
            bytesDown: this.#stream.bytesRead - bytesRead,
            responseId: response.id,
            output: response.output,
          });
        } catch (error) {
          reject(error as Error);
        }
      };
      const lost = (code: number): void => reject(new Error(`The socket closed with ${code} in the middle of a turn.`));
      this.#socket.on('message', receive).once('close', lost);
      this.#socket.send(frame);
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}
