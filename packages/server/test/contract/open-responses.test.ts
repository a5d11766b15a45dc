/**
 * The WebSocket cases of the Open Responses compliance suite (dossier P.14), as our own tests: every frame is held to `WireChecker`.
 * The case of a compacted window waits for `/responses/compact`.
 */
import { once } from 'node:events';
import type { KnownEvent } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestServer } from '../harness.ts';
import { WireChecker } from './wire.ts';

/** A client as the suite has one: sends a request, and reads checked frames up to the terminal event. */
class Client implements Disposable {
  readonly #socket: WebSocket;
  readonly #checker = new WireChecker();
  readonly #frames: string[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => void this.#frames.push(data.toString()));
  }

  static async open(url: string): Promise<Client> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/responses`);
    const client = new Client(socket);
    await once(socket, 'open');
    return client;
  }

  async ask(fields: Record<string, unknown>): Promise<KnownEvent> {
    this.#socket.send(JSON.stringify({ type: 'response.create', model: 'test-model', store: false, ...fields }));
    for (;;) {
      const json = this.#frames.shift();
      if (json === undefined) await once(this.#socket, 'message');
      else {
        const { event } = this.#checker.accept(json);
        if (/^(error|response\.(completed|incomplete|failed))$/.test(event.type)) return event;
      }
    }
  }

  /** The id of the response that completes. */
  async complete(fields: Record<string, unknown>): Promise<string> {
    const event = await this.ask(fields);
    if (event.type !== 'response.completed') throw new Error(JSON.stringify(event));
    return event.response.id;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

const user = (text: string) => [{ type: 'message', role: 'user', content: text }];
const notFound = { type: 'error', status: 400, error: { code: 'previous_response_not_found' } };

describe('Open Responses over WebSocket', () => {
  it('websocket-response', async () => {
    await using server = await startTestServer();
    using client = await Client.open(server.url);
    const event = await client.ask({ input: user('Say hello.') });
    expect(event).toMatchObject({ type: 'response.completed', response: { object: 'response', status: 'completed' } });
  });

  it('websocket-sequential-responses', async () => {
    await using server = await startTestServer();
    using client = await Client.open(server.url);
    const ids = [];
    for (const input of ['One.', 'Two.', 'Three.']) ids.push(await client.complete({ input }));
    expect(new Set(ids).size).toBe(3);
  });

  it('websocket-continuation', async () => {
    await using server = await startTestServer();
    using client = await Client.open(server.url);
    const id = await client.complete({ input: user('My number is 7.') });
    const event = await client.ask({ previous_response_id: id, input: user('What is it?') });
    expect(event).toMatchObject({ type: 'response.completed', response: { previous_response_id: id } });
  });

  it('websocket-previous-response-not-found', async () => {
    await using server = await startTestServer();
    using client = await Client.open(server.url);
    expect(await client.ask({ previous_response_id: 'resp_made_up', input: user('Go on.') })).toMatchObject(notFound);
  });

  it('websocket-reconnect-store-false-recovery', async () => {
    await using server = await startTestServer();
    using former = await Client.open(server.url);
    const id = await former.complete({ input: user('Hello.') });
    await former.close();
    using client = await Client.open(server.url);
    expect(await client.ask({ previous_response_id: id, input: user('Go on.') })).toMatchObject(notFound);
    await client.complete({ input: user('Then anew.') });
  });

  it('websocket-failed-continuation-evicts-cache', async () => {
    await using server = await startTestServer();
    using client = await Client.open(server.url);
    const id = await client.complete({ input: user('Hello.') });
    const orphan = { type: 'function_call_output', call_id: 'call_openresponses_missing', output: 'x' };
    expect(await client.ask({ previous_response_id: id, input: [orphan] })).toMatchObject({
      type: 'error',
      status: 400,
    });
    expect(await client.ask({ previous_response_id: id, input: user('Go on.') })).toMatchObject(notFound);
  });
});
