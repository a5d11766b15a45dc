/** Clients that send their whole history with every request: the engine is given what is new, and nothing else changes. */
import type OpenAI from 'openai';
import type { Response, ResponseCreateParamsNonStreaming, ResponseInput } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import { createEchoEngine, type EchoCall } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { clientOf, textOf } from '../stored/sdk.ts';

const model = 'test-model';
const user = (content: string): ResponseInput[number] => ({ type: 'message', role: 'user', content });
const result = (call_id: string, output: string): ResponseInput[number] => ({
  type: 'function_call_output',
  call_id,
  output,
});

/** Says a word, calls a tool, says a word…: what every agent does. */
function createAgentEngine() {
  let turn = 0;
  return createEchoEngine({
    answer: () =>
      turn++ % 2 === 0
        ? [
            { type: 'text.delta', delta: 'One moment.' },
            { type: 'call.start', kind: 'function', name: 'look', callId: `call_${turn}` },
            { type: 'call.delta', delta: '{}' },
          ]
        : [{ type: 'text.delta', delta: `Done ${turn}.` }],
  });
}

/** Sizes of what the engine was given since the last look. */
function createMeter(calls: readonly EchoCall[]): () => number[] {
  let seen = 0;
  return () => {
    const sizes = calls.slice(seen).flatMap((call) => (call.kind === 'extend' ? [call.items] : []));
    seen = calls.length;
    return sizes;
  };
}

/** How clients hand an output back. */
const echoes: Record<string, (output: Response['output']) => ResponseInput> = {
  'as it came': (output) => output as ResponseInput,
  'without ids, statuses and annotations': (output) =>
    output.map((item) =>
      item.type === 'message'
        ? {
            role: 'assistant' as const,
            content: item.content.map((part) => ('text' in part ? part.text : '')).join(''),
          }
        : ({ ...item, id: undefined, status: undefined } as ResponseInput[number]),
    ),
};

/** A rollout with all of its history in every request; what the engine was given in each turn. */
async function rollOut(
  client: OpenAI,
  calls: readonly EchoCall[],
  echo: (output: Response['output']) => ResponseInput,
  fields: Partial<ResponseCreateParamsNonStreaming> = {},
): Promise<{ sizes: number[][]; responses: Response[]; history: ResponseInput }> {
  const meter = createMeter(calls);
  const history: ResponseInput = [user('Begin.')];
  const responses: Response[] = [];
  const sizes: number[][] = [];
  meter();
  for (let turn = 0; turn < 8; turn++) {
    const response = await client.responses.create({ model, input: history, ...fields });
    sizes.push(meter());
    responses.push(response);
    const call = response.output.find((item) => item.type === 'function_call');
    history.push(...echo(response.output), call ? result(call.call_id, '7') : user('Go on.'));
  }
  return { sizes, responses, history };
}

/** One new item in, one or two items out: the first turn has nothing to go on from. */
const deltas = Array.from({ length: 8 }, (_, turn) => [1, turn % 2 === 0 ? 2 : 1]);

describe('a history that is sent in full over HTTP', () => {
  it.each(Object.entries(echoes))('costs what is new, its output handed back %s', async (_name, echo) => {
    const { engine, calls } = createAgentEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { sizes } = await rollOut(clientOf(server), calls, echo);
    expect(sizes).toEqual(deltas);
  });

  it('is answered and stored like one that nobody knew', async () => {
    const { engine, calls } = createAgentEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const { responses, history } = await rollOut(client, calls, (output) => output as ResponseInput);
    const last = responses.at(-1);
    expect(responses.map((response) => response.previous_response_id)).toEqual(responses.map(() => null));
    expect(responses.map((response) => response.usage?.input_tokens)).toEqual([1, 4, 6, 9, 11, 14, 16, 19]);
    const listed = await client.responses.inputItems.list(last?.id ?? '', { order: 'asc', limit: 100 });
    expect(listed.data.map(textOf)).toEqual(history.slice(0, 19).map((item) => textOf(toParts(item))));
  });

  it('is a history like any other: it can be continued by id, and found again from there', async () => {
    const { engine, calls } = createAgentEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const meter = createMeter(calls);
    const first = await client.responses.create({ model, input: [user('Begin.')] });
    const next = [result('call_1', '7')];
    const second = await client.responses.create({ model, input: next, previous_response_id: first.id });
    meter();
    const whole = [user('Begin.'), ...first.output, ...next, ...second.output, user('Go on.')] as ResponseInput;
    await client.responses.create({ model, input: whole });
    expect(meter()).toEqual([1, 2]);
  });

  it('is known as far as it is the same, and no further', async () => {
    const { engine, calls } = createAgentEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const { history } = await rollOut(client, calls, (output) => output as ResponseInput);
    const meter = createMeter(calls);
    const changed = history.map((item, index) => (index === 8 ? result('call_3', '8') : item));
    meter();
    await client.responses.create({ model, input: changed.slice(0, 11) });
    // The turn before the changed result ended behind its call, the eighth item.
    expect(meter()).toEqual([3, 2]);
    await client.responses.create({ model, input: [user('Begun.'), ...history.slice(1, 5)] });
    expect(meter()).toEqual([5, 1]);
  });

  it('is unknown to every other project', async () => {
    const { engine, calls } = createAgentEngine();
    const flags = ['--api-key', 'a=secret-of-a-0123456789', '--api-key', 'b=secret-of-b-0123456789'];
    await using server = await startTestServer({ engines: [engine], flags });
    const { history } = await rollOut(
      clientOf(server, 'secret-of-a-0123456789'),
      calls,
      (output) => output as ResponseInput,
    );
    const meter = createMeter(calls);
    meter();
    await clientOf(server, 'secret-of-b-0123456789').responses.create({ model, input: history });
    expect(meter()).toEqual([history.length, 2]);
    await clientOf(server, 'secret-of-a-0123456789').responses.create({ model, input: history });
    expect(meter()).toEqual([1, 1]);
  });

  it('is known up to the turn before, where clients leave out what the model thought', async () => {
    const { engine, calls } = createEchoEngine({
      answer: () => [
        { type: 'reasoning.delta', delta: 'Hm.' },
        { type: 'text.delta', delta: 'Yes.' },
      ],
    });
    await using server = await startTestServer({ engines: [engine] });
    const spoken = (output: Response['output']): ResponseInput =>
      output.filter((item) => item.type === 'message') as ResponseInput;
    const { sizes } = await rollOut(clientOf(server), calls, spoken);
    expect(sizes.map(([input]) => input)).toEqual([1, 2, 2, 2, 2, 2, 2, 2]);
  });

  it('is unknown where nothing was to be kept', async () => {
    for (const [flags, fields] of [
      [[], { store: false }],
      [['--zero-retention'], {}],
    ] as const) {
      const { engine, calls } = createAgentEngine();
      await using server = await startTestServer({ engines: [engine], flags });
      const { sizes } = await rollOut(clientOf(server), calls, (output) => output as ResponseInput, fields);
      expect(sizes.map(([input]) => input)).toEqual([1, 4, 6, 9, 11, 14, 16, 19]);
    }
  });

  it('is unknown once its response is deleted', async () => {
    const { engine, calls } = createAgentEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const { id, output } = await client.responses.create({ model, input: [user('Begin.')] });
    await client.responses.delete(id);
    const meter = createMeter(calls);
    meter();
    await client.responses.create({
      model,
      input: [user('Begin.'), ...output, result('call_1', '7')] as ResponseInput,
    });
    expect(meter()).toEqual([4, 1]);
  });
});

describe('a history that is sent in full over a socket', () => {
  it('is known to the connection that holds it, and to no other', async () => {
    const { engine, calls } = createEchoEngine({ answer: () => [{ type: 'text.delta', delta: 'Yes.' }] });
    await using server = await startTestServer({ engines: [engine] });
    const meter = createMeter(calls);
    const history = [user('Begin.'), { type: 'message', role: 'assistant', content: 'Yes.' }, user('Go on.')];
    const first = await TestSocket.open(server.url);
    using second = await TestSocket.open(server.url);
    first.create({ input: history.slice(0, 1) });
    await first.response();
    expect(meter()).toEqual([1, 1]);
    first.create({ input: history, stream_id: 'other' });
    await first.response('other');
    expect(meter()).toEqual([1, 1]);
    second.create({ input: history });
    await second.response();
    expect(meter()).toEqual([3, 1]);
    await first.close();
    using third = await TestSocket.open(server.url);
    third.create({ input: history });
    await third.response();
    expect(meter()).toEqual([3, 1]);
  });

  it('is still known after a turn that failed and took the newest response with it', async () => {
    const { engine, calls } = createEchoEngine({
      answer: ({ context }) => {
        if (JSON.stringify(context.items.at(-1)).includes('Fail')) throw new Error('It failed.');
        return [{ type: 'text.delta', delta: 'Yes.' }];
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    const meter = createMeter(calls);
    using socket = await TestSocket.open(server.url);
    socket.create({ input: [user('Begin.')] });
    const { id } = await socket.response();
    socket.create({ input: [user('Fail.')], previous_response_id: id });
    expect((await socket.response()).status).toBe('failed');
    socket.create({ input: [user('Go on.')], previous_response_id: id });
    expect((await socket.error()).error.code).toBe('previous_response_not_found');
    meter();
    socket.create({ input: [user('Begin.'), { type: 'message', role: 'assistant', content: 'Yes.' }, user('Go on.')] });
    expect((await socket.response()).status).toBe('completed');
    expect(meter()).toEqual([1, 1]);
  });
});

/** As the server lists it. */
function toParts(item: ResponseInput[number]): object {
  const { content } = item as { content?: unknown };
  return typeof content === 'string' ? { ...item, content: [{ type: 'input_text', text: content }] } : item;
}
