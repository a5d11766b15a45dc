import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/engine.ts';
import { createEchoEngine, type EchoOptions } from '../echo-engine.ts';
import { startTestServer, TestSocket, type Frame } from '../harness.ts';

const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 };

/** A server whose turns stay open after their first events while the newest user message says "hold". */
async function setUp(answer?: EchoOptions['answer'], linger?: Promise<void>) {
  const gate = Promise.withResolvers<void>();
  const { engine, calls } = createEchoEngine({
    ...(answer && { answer }),
    ...(linger && { linger }),
    hold: ({ context }) => (JSON.stringify(context.items.at(-1)).includes('hold') ? gate.promise : undefined),
  });
  const server = await startTestServer({ engines: [engine] });
  const socket = await TestSocket.open(server.url);
  return {
    socket,
    calls,
    release: gate.resolve,
    async [Symbol.asyncDispose]() {
      socket[Symbol.dispose]();
      await server.close();
    },
  };
}

/** Frames up to the first of a type. */
async function until(socket: TestSocket, type: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  do frames.push(await socket.next());
  while (frames.at(-1)?.type !== type);
  return frames;
}

async function startTurn(socket: TestSocket, fields: Record<string, unknown> = {}): Promise<string> {
  socket.create({ input: 'hold', ...fields });
  const [created] = await until(socket, 'response.output_text.delta');
  if (!created || !('response' in created)) throw new Error('no response');
  return created.response.id;
}

function steer(target: string, input: unknown = 'shorter'): Record<string, unknown> {
  return { type: 'response.steer', previous_response_id: target, input };
}

describe('a steer of a running response', () => {
  it('stops the text at the next token and starts the successor with the steer as input', async () => {
    await using setup = await setUp();
    const { socket } = setup;
    const id = await startTurn(socket);
    socket.send(steer(id));
    const ending = await until(socket, 'response.incomplete');
    expect(ending.map((frame) => frame.type)).toEqual([
      'response.steer.accepted',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete',
    ]);
    expect(ending.map((frame) => frame.sequence_number)).toEqual([5, 6, 7, 8, 9]);
    expect(ending[0]).toMatchObject({
      steer: { id: expect.stringMatching(/^steer_[0-9a-f]{32}$/), previous_response_id: id },
    });
    expect(ending.at(-1)).toMatchObject({
      response: { id, status: 'incomplete', incomplete_details: { reason: 'steered' } },
    });
    const successor = await socket.response();
    expect(successor.previous_response_id).toBe(id);
    expect(JSON.stringify(successor.output)).toContain('user:hold | assistant | user:shorter');
  });

  it('gives one successor for several steers, in order, with the settings of the target', async () => {
    const lingering = Promise.withResolvers<void>();
    await using setup = await setUp(undefined, lingering.promise);
    const { socket } = setup;
    const id = await startTurn(socket, { stream_id: 's', temperature: 0.5, metadata: { a: 'b' } });
    socket.send(steer(id, 'one'));
    socket.send(steer(id, [{ role: 'user', content: [{ type: 'input_text', text: 'two' }] }]));
    await until(socket, 'response.steer.accepted');
    await until(socket, 'response.steer.accepted');
    lingering.resolve();
    await until(socket, 'response.incomplete');
    const frames = await socket.turn('s');
    expect(frames[0]).toMatchObject({ type: 'response.created', sequence_number: 0, response: { temperature: 0.5 } });
    const last = frames.at(-1);
    expect(last).toMatchObject({ type: 'response.completed', stream_id: 's', response: { metadata: { a: 'b' } } });
    expect(JSON.stringify(last)).toContain('user:hold | assistant | user:one | user:two');
  });

  it('can be steered again: the successor takes the next steer', async () => {
    await using setup = await setUp();
    const { socket } = setup;
    const id = await startTurn(socket);
    socket.send(steer(id, 'hold again'));
    await until(socket, 'response.incomplete');
    const [created] = await until(socket, 'response.output_text.delta');
    if (!created || !('response' in created)) throw new Error('no response');
    socket.send(steer(created.response.id, 'enough'));
    await until(socket, 'response.incomplete');
    expect(JSON.stringify((await socket.response()).output)).toContain('user:hold again | assistant | user:enough');
  });

  it('lets a tool call finish, and waits for its output', async () => {
    const gate = Promise.withResolvers<void>();
    const call: EngineEvent[] = [
      { type: 'call.start', kind: 'function', name: 'look', callId: 'call_1' },
      { type: 'call.delta', delta: '{}' },
    ];
    const { engine } = createEchoEngine({
      answer: ({ context }) =>
        context.items.length === 1
          ? call
          : [
              { type: 'text.delta', delta: 'Done.' },
              { type: 'end', reason: 'stop', usage },
            ],
      hold: ({ context }) => (context.items.length === 1 ? gate.promise : undefined),
    });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'go' });
    const [created] = await until(socket, 'response.function_call_arguments.delta');
    if (!created || !('response' in created)) throw new Error('no response');
    const { id } = created.response;
    socket.send(steer(id, 'first'));
    socket.send(steer(id, 'second'));
    await until(socket, 'response.steer.accepted');
    await until(socket, 'response.steer.accepted');
    gate.resolve();
    const completed = (await socket.turn()).at(-1);
    expect(completed).toMatchObject({ type: 'response.completed', response: { output: [{ call_id: 'call_1' }] } });
    for (const offset of [1, 2]) {
      expect(await socket.next()).toMatchObject({
        type: 'response.steer.pending',
        sequence_number: (completed?.sequence_number ?? 0) + offset,
        reason: 'waiting_for_required_input',
        required_input: [{ type: 'function_call_output', call_id: 'call_1', name: 'look' }],
        steer: { previous_response_id: id },
      });
    }
    socket.create({
      previous_response_id: id,
      input: [{ type: 'function_call_output', call_id: 'call_1', output: 'x' }],
    });
    const after = await socket.response();
    expect(after.output).toMatchObject([{ content: [{ text: 'Done.' }] }]);
  });

  it('goes in front of the input of the request that continues its target', async () => {
    await using setup = await setUp(({ context }) =>
      context.items.length === 1
        ? [
            { type: 'call.start', kind: 'function', name: 'look', callId: 'call_1' },
            { type: 'end', reason: 'stop', usage },
          ]
        : [
            { type: 'text.delta', delta: context.items.map((item) => item.type).join(' ') },
            { type: 'end', reason: 'stop', usage },
          ],
    );
    const { socket } = setup;
    socket.create({ input: 'go' });
    const { id } = await socket.response();
    socket.send(steer(id, 'also this'));
    await until(socket, 'response.steer.pending');
    socket.create({
      previous_response_id: id,
      input: [{ type: 'function_call_output', call_id: 'call_1', output: 'x' }],
    });
    expect(JSON.stringify((await socket.response()).output)).toContain(
      'message function_call message function_call_output',
    );
  });
});

describe('a steer that fails', () => {
  const cases: [name: string, frame: Record<string, unknown>, code: string][] = [
    ['an unknown target', steer('resp_none'), 'response_not_found'],
    ['an extra field', { ...steer('resp_none'), stream_id: 'a' }, 'invalid_input'],
    ['no input', { type: 'response.steer', previous_response_id: 'resp_none' }, 'invalid_input'],
    ['an empty input', steer('resp_none', ''), 'invalid_input'],
    ['an empty list', steer('resp_none', []), 'invalid_input'],
    ['another role', steer('resp_none', [{ role: 'system', content: 'x' }]), 'invalid_input'],
  ];

  it.each(cases)('%s', async (_name, frame, code) => {
    await using setup = await setUp();
    setup.socket.send(frame);
    const failed = await setup.socket.next();
    expect(failed).toMatchObject({
      type: 'response.steer.failed',
      sequence_number: 0,
      error: { type: 'invalid_request_error', code, message: expect.stringMatching(/\S/) },
      steer: { previous_response_id: 'resp_none' },
    });
    expect((failed as unknown as { steer: { input?: unknown } }).steer.input).toEqual(frame['input'] ?? '');
    expect('stream_id' in failed).toBe(false);
  });

  it('is refused when the target has completed', async () => {
    await using setup = await setUp();
    setup.socket.create({ input: 'quick', stream_id: 'x' });
    const { id } = await setup.socket.response('x');
    setup.socket.send(steer(id));
    expect(await setup.socket.next()).toMatchObject({
      type: 'response.steer.failed',
      stream_id: 'x',
      error: { code: 'response_already_completed' },
    });
  });

  it('is refused with automatic compaction', async () => {
    await using setup = await setUp();
    const id = await startTurn(setup.socket, { context_management: [{ type: 'compaction', compact_threshold: 1000 }] });
    setup.socket.send(steer(id));
    expect(await setup.socket.next()).toMatchObject({ error: { code: 'steering_not_supported' } });
    setup.release();
    expect((await setup.socket.response()).status).toBe('completed');
  });
});

describe('a cancel', () => {
  it('ends the turn with what it has, which stays in the chain', async () => {
    await using setup = await setUp();
    const { socket, calls } = setup;
    const id = await startTurn(socket);
    socket.send({ type: 'response.cancel', response_id: id });
    const cancelled = await socket.response();
    expect(cancelled).toMatchObject({ id, status: 'incomplete', incomplete_details: { reason: 'cancelled' } });
    expect(cancelled.output).toHaveLength(1);
    expect(calls.at(-1)).toMatchObject({ kind: 'extend', items: 1 });
    socket.create({ previous_response_id: id, input: 'go on' });
    expect(JSON.stringify((await socket.response()).output)).toContain('user:hold | assistant | user:go on');
  });

  it('of a response that does not run is not answered', async () => {
    await using setup = await setUp();
    setup.socket.send({ type: 'response.cancel', response_id: 'resp_none' });
    setup.socket.create({ input: 'quick' });
    expect((await setup.socket.next()).type).toBe('response.created');
  });

  it('fails the steers that were waiting', async () => {
    await using setup = await setUp(() => [{ type: 'call.start', kind: 'function', name: 'look', callId: 'call_1' }]);
    const { socket } = setup;
    socket.create({ input: 'hold' });
    const [created] = await until(socket, 'response.output_item.added');
    if (!created || !('response' in created)) throw new Error('no response');
    socket.send(steer(created.response.id));
    await until(socket, 'response.steer.accepted');
    socket.send({ type: 'response.cancel', response_id: created.response.id });
    expect((await socket.turn()).at(-1)).toMatchObject({ type: 'response.incomplete' });
    expect(await socket.next()).toMatchObject({
      type: 'response.steer.failed',
      error: { code: 'response_not_active' },
      steer: { id: expect.stringMatching(/^steer_/), input: 'shorter' },
    });
  });
});

describe('closing the socket', () => {
  it('aborts every turn down to the engine', async () => {
    await using setup = await setUp();
    await startTurn(setup.socket);
    await setup.socket.close();
    await expect.poll(() => setup.calls.some((call) => call.kind === 'aborted')).toBe(true);
  });
});
