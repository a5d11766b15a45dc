/** The official SDK's socket on a line that breaks: what it says, and that it comes back where it is asked to (clients.md 9). */
import OpenAI from 'openai';
import type { Response } from 'openai/resources/responses/responses';
import type { ResponsesStreamMessage } from 'openai/resources/responses/internal-base';
import { ResponsesWS } from 'openai/resources/responses/ws';
import type { ResponsesWSReconnectOptions } from 'openai/resources/responses/ws';
import { describe, expect, it } from 'vitest';
import { callTurn, textTurn } from '../harness.ts';
import { breakInMidTurn, breaks, startFaultyServer } from './faulty-server.ts';
import type { FaultyServer } from './faulty-server.ts';

const model = 'test-model';
const rain = { type: 'function_call_output' as const, call_id: 'call_paris', output: 'rain' };
const turns = [callTurn(['call_paris', 'get_weather', '{"city":"Paris"}']), textTurn('It rains in Paris.')];
const reconnect: ResponsesWSReconnectOptions = { onReconnecting: () => {}, initialDelay: 1, maxDelay: 1 };

/** The SDK's socket, read record by record. */
class Records implements Disposable {
  readonly socket: ResponsesWS;
  readonly #records: AsyncIterator<ResponsesStreamMessage>;

  constructor({ url: baseURL }: FaultyServer, options: { reconnect?: ResponsesWSReconnectOptions } = {}) {
    this.socket = new ResponsesWS(new OpenAI({ baseURL, apiKey: 'unused', maxRetries: 0 }), options);
    this.socket.on('error', () => {});
    this.#records = this.socket.stream();
  }

  /** Reads on to a record of this kind, or a message with this event. Null when there are no more. */
  async next(type: string): Promise<ResponsesStreamMessage | null> {
    for (;;) {
      const { value, done } = await this.#records.next();
      if (done) return null;
      if (value.type === type || (value.type === 'message' && value.message.type === type)) return value;
    }
  }

  /** The response of the next `response.completed`. */
  async completed(): Promise<Response> {
    const record = await this.next('response.completed');
    if (record?.type !== 'message' || record.message.type !== 'response.completed') throw new Error('Not completed.');
    return record.message.response;
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

function textOf({ output }: Response): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');
}

describe('without its reconnect option', () => {
  it.each(breaks)('%s in mid-turn ends the records; another socket sends it all again', async (how) => {
    await using server = await startFaultyServer({}, breakInMidTurn(how));
    {
      using records = new Records(server);
      records.socket.send({ type: 'response.create', model, store: false, input: 'Hi.' });
      expect(await records.next('response.completed')).toBeNull();
    }
    using records = new Records(server);
    records.socket.send({ type: 'response.create', model, store: false, input: 'Hi.' });
    expect(textOf(await records.completed())).toBe('Hello.');
  });

  it('tells with which code the server left', async () => {
    await using server = await startFaultyServer();
    using records = new Records(server);
    await records.next('open');
    await server.proxy.breakAll(1012);
    expect(await records.next('close')).toMatchObject({ code: 1012 });
  });
});

describe('with it', () => {
  // 1000 is nothing to come back from, for the SDK.
  it.each(breaks.filter((how) => how !== 1000))(
    '%s while idle: comes back, and a stored chain goes on',
    async (how) => {
      await using server = await startFaultyServer({ turns });
      using records = new Records(server, { reconnect });
      records.socket.send({ type: 'response.create', model, input: 'Weather in Paris?' });
      const asked = await records.completed();
      await server.proxy.breakAll(how);
      await records.next('reconnected');
      records.socket.send({ type: 'response.create', model, previous_response_id: asked.id, input: [rain] });
      expect(textOf(await records.completed())).toBe('It rains in Paris.');
      expect(server.proxy.opened).toBe(2);
    },
  );

  it('a chain with store:false is gone with its socket: the error says so, and the whole history goes on', async () => {
    await using server = await startFaultyServer({ turns });
    using records = new Records(server, { reconnect });
    const question = { type: 'message' as const, role: 'user' as const, content: 'Weather in Paris?' };
    records.socket.send({ type: 'response.create', model, store: false, input: [question] });
    const asked = await records.completed();
    await server.proxy.breakAll(1012);
    await records.next('reconnected');
    const create = { type: 'response.create' as const, model, store: false };
    records.socket.send({ ...create, previous_response_id: asked.id, input: [rain] });
    const refused = await records.next('error');
    expect(refused).toMatchObject({ error: { error: { error: { code: 'previous_response_not_found' } } } });
    const call = asked.output.filter((item) => item.type === 'function_call');
    records.socket.send({ ...create, input: [question, ...call, rain] });
    expect(textOf(await records.completed())).toBe('It rains in Paris.');
  });
});
