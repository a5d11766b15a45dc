/** The official SDK drives a real server: what it accepts, and which of its own errors it makes of ours (clients.md 9). */
import {
  APIConnectionError,
  type APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
} from 'openai';
import type {
  FunctionTool,
  Response,
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
  ResponsesClientEvent,
  ResponsesServerEvent,
} from 'openai/resources/responses/responses';
import type { ResponsesStreamMessage } from 'openai/resources/responses/internal-base';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { describe, expect, it } from 'vitest';
import { errors } from '@longwire/protocol';
import { requireSdkEvent } from '../contract/sdk-shapes.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { callTurn, startTestServer, textTurn } from '../harness.ts';
import { clientOf, model } from '../stored/sdk.ts';

const weather: FunctionTool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather in a city.',
  strict: true,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};
const turns = [callTurn(['call_paris', 'get_weather', '{"city":"Paris"}']), textTurn('It rains in Paris.')];
const rain: ResponseInputItem = { type: 'function_call_output', call_id: 'call_paris', output: 'rain' };

function callOf(response: Response) {
  const item = response.output.find(({ type }) => type === 'function_call');
  if (item?.type !== 'function_call') throw new Error(`No call in ${JSON.stringify(response.output)}`);
  return item;
}

type CreateFields = Omit<Extract<ResponsesClientEvent, { type: 'response.create' }>, 'type'>;

/** The SDK's socket, one turn at a time. */
class SdkSocket implements Disposable {
  readonly #socket: ResponsesWS;
  readonly #records: AsyncIterator<ResponsesStreamMessage>;

  constructor(server: { url: string }, apiKey?: string) {
    this.#socket = new ResponsesWS(clientOf(server, apiKey));
    this.#records = this.#socket.stream();
  }

  /** Sends a create and returns its events up to `response.completed`. Throws the SDK's error for an `error` event. */
  async turn(fields: CreateFields): Promise<ResponsesServerEvent[]> {
    this.#socket.send({ type: 'response.create', model, store: false, ...fields });
    const events: ResponsesServerEvent[] = [];
    for (;;) {
      const { value, done } = await this.#records.next();
      if (done) throw new Error('The socket closed.');
      if (value.type === 'error') throw value.error;
      if (value.type !== 'message') continue;
      requireSdkEvent(value.message);
      events.push(value.message);
      if (value.message.type === 'response.completed') return events;
    }
  }

  /** The response of a turn. */
  async run(fields: CreateFields): Promise<Response> {
    const last = (await this.turn(fields)).at(-1);
    if (last?.type !== 'response.completed') throw new Error('The turn did not complete.');
    return last.response;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

describe('over the WebSocket', () => {
  it('text', async () => {
    await using server = await startTestServer();
    using socket = new SdkSocket(server);
    const events = await socket.turn({ input: 'Hi.' });
    expect(events).toMatchObject(events.map((_, index) => ({ sequence_number: index })));
    const response = await socket.run({ input: 'Hi.' });
    expect(response).toMatchObject({ object: 'response', status: 'completed', model, store: false });
    expect(response.output).toMatchObject([{ type: 'message', content: [{ type: 'output_text', text: 'Hello.' }] }]);
    expect(response.usage).toMatchObject({ input_tokens: 20, output_tokens: 5, total_tokens: 25 });
  });

  it('a function tool round trip, going on with store:false', async () => {
    await using server = await startTestServer({ turns });
    using socket = new SdkSocket(server);
    const asked = await socket.run({ tools: [weather], input: 'Weather in Paris?' });
    expect(callOf(asked)).toMatchObject({ name: 'get_weather', arguments: '{"city":"Paris"}', call_id: 'call_paris' });
    const answered = await socket.run({ tools: [weather], previous_response_id: asked.id, input: [rain] });
    expect(answered.previous_response_id).toBe(asked.id);
    expect(answered.output).toMatchObject([{ content: [{ text: 'It rains in Paris.' }] }]);
    await expect(clientOf(server).responses.retrieve(answered.id)).rejects.toThrow(NotFoundError);
  });

  it('a warm-up that a turn continues', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = new SdkSocket(server);
    const warm = await socket.run({ generate: false, input: 'known already' });
    expect(warm.output).toEqual([]);
    const response = await socket.run({ previous_response_id: warm.id, input: 'new' });
    expect(response.output).toMatchObject([{ content: [{ text: 'user:known already | user:new' }] }]);
  });

  it('a refused request is an error event with its code; the socket goes on', async () => {
    await using server = await startTestServer();
    using socket = new SdkSocket(server);
    const refused = socket.run({ previous_response_id: 'resp_unknown', input: 'Hi.' });
    await expect(refused).rejects.toMatchObject({
      error: { error: { code: 'previous_response_not_found', param: 'previous_response_id' } },
    });
    await expect(socket.run({ input: 'Hi.' })).resolves.toMatchObject({ status: 'completed' });
  });

  it('a wrong key opens no socket', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'team=right'] });
    using socket = new SdkSocket(server, 'wrong');
    await expect(socket.run({ input: 'Hi.' })).rejects.toThrow(/401/);
  });
});

describe('over server-sent events', () => {
  it('create({ stream: true }) yields the events in order', async () => {
    await using server = await startTestServer();
    const stream = await clientOf(server).responses.create({ model, input: 'Hi.', stream: true });
    const events: { type: string; sequence_number: number }[] = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect([events[0]?.type, events.at(-1)?.type]).toEqual(['response.created', 'response.completed']);
  });

  it('stream() folds them into the response', async () => {
    await using server = await startTestServer();
    const stream = clientOf(server).responses.stream({ model, input: 'Hi.' });
    let text = '';
    stream.on('response.output_text.delta', ({ delta }) => {
      text += delta;
    });
    const response = await stream.finalResponse();
    expect(text).toBe('Hello.');
    expect(response).toMatchObject({ status: 'completed', output_text: 'Hello.' });
  });

  it('a function tool round trip with stored responses', async () => {
    await using server = await startTestServer({ turns });
    const client = clientOf(server);
    const asked = await client.responses
      .stream({ model, tools: [weather], input: 'Weather in Paris?' })
      .finalResponse();
    const { call_id } = callOf(asked);
    const answered = await client.responses
      .stream({ model, tools: [weather], previous_response_id: asked.id, input: [{ ...rain, call_id }] })
      .finalResponse();
    expect(answered.output_text).toBe('It rains in Paris.');
  });

  it('what fails before the first event is an error of its status', async () => {
    await using server = await startTestServer();
    const refused = clientOf(server).responses.create({ model: 'gpt-9', input: 'Hi.', stream: true });
    await expect(refused).rejects.toThrow(NotFoundError);
  });

  it('what fails while it runs is response.failed', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw errors.engineUnavailable('The upstream is gone.');
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    const stream = await clientOf(server).responses.create({ model, input: 'Hi.', stream: true });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types.at(-1)).toBe('response.failed');
  });
});

describe('over plain HTTP', () => {
  it('text, with the request id', async () => {
    await using server = await startTestServer();
    const { data, request_id } = await clientOf(server).responses.create({ model, input: 'Hi.' }).withResponse();
    expect(data.output_text).toBe('Hello.');
    expect(request_id).toMatch(/^req_/);
  });

  it('a function tool round trip', async () => {
    await using server = await startTestServer({ turns });
    const { responses } = clientOf(server);
    const asked = await responses.create({ model, tools: [weather], input: 'Weather in Paris?' });
    const answered = await responses.create({ model, tools: [weather], previous_response_id: asked.id, input: [rain] });
    expect(answered.output_text).toBe('It rains in Paris.');
  });

  it('a stored response is retrieved as it was made, continued, and deleted', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { responses } = clientOf(server);
    const made = await responses.create({ model, input: 'one', metadata: { topic: 'numbers' } });
    const found = await responses.retrieve(made.id);
    expect(found).toMatchObject({ id: made.id, output: made.output, metadata: { topic: 'numbers' } });
    const next = await responses.create({ model, input: 'two', previous_response_id: made.id });
    expect(next.output_text).toBe('user:one | assistant | user:two');
    await responses.delete(made.id);
    await expect(responses.retrieve(made.id)).rejects.toThrow(NotFoundError);
    await expect(responses.delete(made.id)).rejects.toThrow(NotFoundError);
  });

  it('models are listed and found', async () => {
    await using server = await startTestServer();
    const { models } = clientOf(server);
    expect((await models.list()).data.map(({ id }) => id)).toEqual([model]);
    await expect(models.retrieve(model)).resolves.toMatchObject({ id: model, object: 'model' });
    await expect(models.retrieve('gpt-9')).rejects.toThrow(NotFoundError);
  });

  const refusals: [string, Partial<ResponseCreateParamsNonStreaming>, new (...args: never[]) => APIError, object][] = [
    ['an unknown model', { model: 'gpt-9' }, NotFoundError, { status: 404, code: 'model_not_found', param: 'model' }],
    [
      'an unknown parent',
      { previous_response_id: 'resp_unknown' },
      BadRequestError,
      { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' },
    ],
    ['an output without its call', { input: [rain] }, BadRequestError, { status: 400, code: null, param: 'input' }],
    [
      'a value of the wrong type',
      { temperature: 'hot' as never },
      BadRequestError,
      { status: 400, param: 'temperature' },
    ],
  ];
  it.each(refusals)('%s', async (_name, fields, errorClass, details) => {
    await using server = await startTestServer();
    const refused = clientOf(server).responses.create({ model, input: 'Hi.', ...fields });
    await expect(refused).rejects.toThrow(errorClass);
    await expect(refused).rejects.toMatchObject({ type: 'invalid_request_error', ...details });
  });

  it('a wrong key', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'team=right'] });
    const refused = clientOf(server, 'wrong').responses.create({ model, input: 'Hi.' });
    await expect(refused).rejects.toThrow(AuthenticationError);
    await expect(refused).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    const admitted = clientOf(server, 'right').responses.create({ model, input: 'Hi.' });
    await expect(admitted).resolves.toMatchObject({ status: 'completed' });
  });

  it('an engine that fails', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw new Error('a secret of the machine');
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    const failed = clientOf(server).responses.create({ model, input: 'Hi.' });
    await expect(failed).rejects.toThrow(InternalServerError);
    await expect(failed).rejects.not.toThrow(/secret/);
    await expect(failed).rejects.toMatchObject({ status: 500, code: 'server_error' });
  });

  it('nobody there', async () => {
    const server = await startTestServer();
    await server.close();
    await expect(clientOf(server).responses.create({ model, input: 'Hi.' })).rejects.toThrow(APIConnectionError);
  });
});
