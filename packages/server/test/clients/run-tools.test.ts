/** The client's agent loop against a real server. What it decides is tested in packages/client. */
import { connect, ResponsesError, runTools, tool } from '@longwire/client';
import type { Connection, RunEvent, RunnableTool, RunToolsOptions, ToolRun } from '@longwire/client';
import { afterEach, describe, expect, it } from 'vitest';
import type { Engine, EngineEvent } from '../../src/engine/engine.ts';
import { createRememberingEngine, lastContext, recite } from '../compaction/world.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';
import { FaultProxy } from './fault-proxy.ts';

type Answer = NonNullable<NonNullable<Parameters<typeof createEchoEngine>[0]>['answer']>;

let connection: Connection | null = null;
afterEach(() => connection?.close());

/** The model calls these functions. */
function call(...calls: readonly (readonly [string, string, string])[]): EngineEvent[] {
  return calls.flatMap(([callId, name, args]): EngineEvent[] => [
    { type: 'call.start', kind: 'function', name, callId },
    { type: 'call.delta', delta: args },
    { type: 'item.end' },
  ]);
}

const say = (delta: string): EngineEvent[] => [{ type: 'text.delta', delta }];

/** What the model is told in outputs of calls, in order. */
function outputsIn(items: readonly unknown[]): unknown[] {
  return items.flatMap((item) => {
    const { type, output } = item as { type: string; output?: unknown };
    return type === 'function_call_output' ? [output] : [];
  });
}

/** A model that makes these calls first, and then says what the outputs were. */
const callsFirst =
  (...calls: readonly (readonly [string, string, string])[]): Answer =>
  ({ context: { items } }) => {
    const outputs = outputsIn(items);
    return outputs.length === 0 ? call(...calls) : say(outputs.join(' | '));
  };

async function start(url: string, options: Partial<RunToolsOptions> = {}): Promise<ToolRun> {
  connection = await connect({ baseUrl: url });
  return runTools({ lane: connection.lane(), model: 'test-model', input: 'Go.', tools: [look], ...options });
}

const look: RunnableTool = { name: 'look', run: ({ at }) => `saw ${JSON.stringify(at)}` };

async function eventsOf(run: ToolRun): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run) if (event.type !== 'model') events.push(event);
  return events;
}

describe('runTools', () => {
  it('runs calls side by side and tells the model in the order of the calls', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'slow', '{}'], ['c2', 'quick', '{}']) });
    await using server = await startTestServer({ engines: [engine] });
    const gate = Promise.withResolvers<string>();
    const slow: RunnableTool = { name: 'slow', run: () => gate.promise };
    const quick: RunnableTool = { name: 'quick', run: () => (gate.resolve('slow after quick'), 'quick') };
    const run = await start(server.url, { tools: [slow, quick], parallel_tool_calls: true });
    const events = await eventsOf(run);
    expect(events.map(({ type }) => type)).toEqual([
      'turn.start',
      'turn.end',
      'tool.call',
      'tool.call',
      'tool.output',
      'tool.output',
      'turn.start',
      'turn.end',
    ]);
    const result = await run.result();
    expect(result).toMatchObject({ stop: 'done', text: 'slow after quick | quick', steps: 2 });
    expect(result.items.map(({ type }) => type)).toEqual([
      'message',
      'function_call',
      'function_call',
      'function_call_output',
      'function_call_output',
      'message',
    ]);
    // One item, then five: the echo counts items as tokens, and says one.
    expect(result.usage).toMatchObject({ input_tokens: 6, output_tokens: 2, total_tokens: 8 });
  });

  it('runs them one after the other where they must not overlap', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'note', '{}'], ['c2', 'note', '{}']) });
    await using server = await startTestServer({ engines: [engine] });
    const steps: string[] = [];
    const note: RunnableTool = {
      name: 'note',
      async run(_args, { callId }) {
        steps.push(`${callId} begins`);
        await Promise.resolve();
        steps.push(`${callId} ends`);
        return '';
      },
    };
    const run = await start(server.url, { tools: [note], parallel_tool_calls: false });
    await run.result();
    expect(steps).toEqual(['c1 begins', 'c1 ends', 'c2 begins', 'c2 ends']);
  });

  it('tells the model what is wrong with a call', async () => {
    const path = tool({
      name: 'open',
      parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
      run: () => {
        throw new Error('It is locked.');
      },
    });
    const { engine } = createEchoEngine({
      answer: callsFirst(
        ['c1', 'look', '{"at":'],
        ['c2', 'open', '{}'],
        ['c3', 'open', '{"path":5}'],
        ['c4', 'close', '{}'],
        ['c5', 'open', '{"path":"a"}'],
        ['c6', 'look', '[]'],
      ),
    });
    await using server = await startTestServer({ engines: [engine] });
    const run = await start(server.url, { tools: [look, path] });
    const { text } = await run.result();
    expect(text.split(' | ')).toEqual([
      expect.stringMatching(/^error: The arguments are not valid JSON: /),
      "error: 'path' is missing.",
      "error: 'path' must be of type string.",
      "error: There is no tool 'close'. There are: look, open.",
      'error: It is locked.',
      'error: The arguments must be a JSON object.',
    ]);
  });

  it('asks before a call, one at a time, and tells the model what was not allowed', async () => {
    const calls = [1, 2, 3].map((at) => [`c${at}`, 'look', `{"at":${at}}`] as const);
    const { engine } = createEchoEngine({ answer: callsFirst(...calls) });
    await using server = await startTestServer({ engines: [engine] });
    let asking = 0;
    const run = await start(server.url, {
      async approve({ args: { at } }) {
        asking += 1;
        expect(asking).toBe(1);
        await Promise.resolve();
        asking -= 1;
        return at === 1 || (at === 2 ? 'not there' : false);
      },
    });
    expect((await run.result()).text).toBe(
      'saw 1 | error: The user did not allow it: not there | error: The user did not allow this call.',
    );
  });

  it('stops at its budget, and another run goes on from there', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'look', '{}']) });
    await using server = await startTestServer({ engines: [engine] });
    const run = await start(server.url, { maxSteps: 1 });
    expect(await run.result()).toMatchObject({ stop: 'max_steps', steps: 1, text: '' });
    const lane = connection?.lane();
    if (!lane) throw new Error('There is no lane.');
    const next = runTools({ lane, model: 'test-model', tools: [look], ...run.continuation });
    expect((await next.result()).text).toBe('error: Not run: the agent was stopped before.');
  });

  it('after a failed turn nothing is lost and nothing runs again', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'look', '{}']) });
    await using server = await startTestServer({ engines: [engine] });
    let runs = 0;
    const tools: RunnableTool[] = [{ name: 'look', run: () => `ran ${(runs += 1)} times` }];
    const connected = (connection = await connect({ baseUrl: server.url }));
    const options = { lane: connected.lane(), tools, input: 'Go.' };
    const run = runTools({ ...options, model: 'test-model' });
    const settings = { ...options, model: 'gone' };
    await run.result();
    const failing = runTools({ ...settings, input: 'Go on.' });
    await expect(failing.result()).rejects.toThrow(ResponsesError);
    const retried = runTools({ ...options, model: 'test-model', ...failing.continuation });
    expect((await retried.result()).text).toBe('ran 1 times');
    expect(runs).toBe(1);
  });

  it('a cut between the events of a turn runs no tool twice', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'look', '{}'], ['c2', 'look', '{}']) });
    await using server = await startTestServer({ engines: [engine] });
    await using proxy = await FaultProxy.start(server.url, {
      faults: [
        {
          at: ({ type, itemType }) => type === 'response.output_item.done' && itemType === 'function_call',
          how: 'reset',
          times: 2,
        },
        { at: ({ type }) => type === 'response.completed', how: 1012, times: 2, delivers: false },
      ],
    });
    const runs: string[] = [];
    const tools: RunnableTool[] = [{ name: 'look', run: (_args, { callId }) => (runs.push(callId), callId) }];
    const run = await start(proxy.baseUrl, { tools });
    expect((await run.result()).text).toBe('c1 | c2');
    expect(runs).toEqual(['c1', 'c2']);
  });
});

describe('steering', () => {
  it('while tools run goes behind their outputs', async () => {
    const { engine } = createEchoEngine({
      answer: ({ context: { items } }) =>
        outputsIn(items).length === 0 ? call(['c1', 'look', '{}']) : say(items.map(({ type }) => type).join(' ')),
    });
    await using server = await startTestServer({ engines: [engine] });
    const tools: RunnableTool[] = [{ name: 'look', run: () => (run.steer('Hurry.'), 'a wall') }];
    const run = await start(server.url, { tools });
    expect((await run.result()).text).toBe('message function_call function_call_output message');
    expect(run.steer('Too late.')).toBe(false);
  });

  it('reaches the running turn', async () => {
    const { engine } = createEchoEngine({
      hold: ({ context: { items } }) => (items.length === 1 ? new Promise(() => {}) : undefined),
    });
    await using server = await startTestServer({ engines: [engine] });
    const run = await start(server.url, { input: 'one' });
    let isSteered = false;
    for await (const event of run) {
      if (isSteered || event.type !== 'model' || event.event.type !== 'response.output_text.delta') continue;
      isSteered = run.steer('two');
    }
    const { text, items, steps } = await run.result();
    expect(text).toContain('user:two');
    expect(steps).toBe(1);
    expect(items).toMatchObject([{ content: 'one' }, { role: 'assistant' }, { content: 'two' }, { role: 'assistant' }]);
  });

  it('is said in another turn where the server takes none', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine], flags: ['--no-websocket'] });
    const run = await start(server.url, { input: 'one' });
    for await (const event of run) {
      if (event.type === 'turn.start' && event.step === 1) run.steer('two');
    }
    expect(await run.result()).toMatchObject({ text: 'user:one | assistant | user:two', steps: 2 });
  });
});

describe('stopping', () => {
  it('cancel keeps what was said', async () => {
    const { engine } = createEchoEngine({
      hold: ({ context: { items } }) => (items.length === 1 ? new Promise(() => {}) : undefined),
    });
    await using server = await startTestServer({ engines: [engine] });
    const run = await start(server.url, { input: 'one' });
    for await (const event of run) {
      if (event.type === 'model' && event.event.type === 'response.output_text.delta') run.cancel();
    }
    expect(await run.result()).toMatchObject({ stop: 'cancelled', text: 'user:one' });
    const lane = connection?.lane();
    if (!lane) throw new Error('There is no lane.');
    const { previous_response_id } = run.continuation;
    const next = runTools({ lane, model: 'test-model', tools: [], input: 'two', previous_response_id });
    expect((await next.result()).text).toBe('user:one | assistant | user:two');
  });

  it('cancel ends a tool that never would', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'hang', '{}']) });
    await using server = await startTestServer({ engines: [engine] });
    const hang: RunnableTool = { name: 'hang', run: () => (queueMicrotask(() => run.cancel()), new Promise(() => {})) };
    const run = await start(server.url, { tools: [hang] });
    expect(await run.result()).toMatchObject({ stop: 'cancelled', steps: 1 });
    expect(run.continuation.input).toMatchObject([{ call_id: 'c1', output: 'error: The call was stopped.' }]);
  });

  it('the signal ends turn and tools', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'hang', '{}']) });
    await using server = await startTestServer({ engines: [engine] });
    const abort = new AbortController();
    let seen: unknown = null;
    const hang: RunnableTool = {
      name: 'hang',
      run: (_args, { signal }) => {
        queueMicrotask(() => abort.abort(new Error('enough')));
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            seen = signal.reason;
            reject(new Error('stopped'));
          });
        });
      },
    };
    const run = await start(server.url, { tools: [hang], signal: abort.signal });
    await expect(run.result()).rejects.toThrow('enough');
    expect(seen).toMatchObject({ message: 'enough' });
  });

  it('leaving the iteration while tools run keeps what has run', async () => {
    const { engine } = createEchoEngine({ answer: callsFirst(['c1', 'look', '{"at":1}'], ['c2', 'look', '{"at":2}']) });
    await using server = await startTestServer({ engines: [engine] });
    const run = await start(server.url);
    for await (const event of run) if (event.type === 'tool.output') break;
    expect(run.continuation.input).toMatchObject([{ output: 'saw 1' }, { output: 'saw 2' }]);
  });

  it('leaving the iteration stops the model', async () => {
    const { engine, calls } = createEchoEngine({ hold: () => new Promise(() => {}) });
    await using server = await startTestServer({ engines: [engine] });
    const run = await start(server.url);
    for await (const event of run) {
      if (event.type === 'model' && event.event.type === 'response.output_text.delta') break;
    }
    await expect(run.result()).rejects.toMatchObject({ name: 'AbortError' });
    await server.drain();
    expect(calls).toContainEqual({ kind: 'aborted' });
  });
});

describe('compaction', () => {
  const tools: RunnableTool[] = [{ name: 'look', run: () => 'fact-2' }];
  const lookThenRecite = (facts: readonly string[], turn: number) =>
    turn === 0 ? call(['c1', 'look', '{}']) : recite(facts, turn);

  it('comes between turns, and the model goes on behind it', async () => {
    const { engine, calls } = createRememberingEngine(lookThenRecite);
    await using server = await startTestServer({ engines: [engine] });
    const run = await start(server.url, { tools, input: 'fact-1', compactAt: 1 });
    const events = await eventsOf(run);
    expect(events.filter(({ type }) => type === 'turn.start')).toMatchObject([
      { step: 1, isCompaction: false },
      { step: 2, isCompaction: true },
      { step: 2, isCompaction: false },
    ]);
    const { items, text } = await run.result();
    expect(items.map(({ type }) => type)).toContain('compaction');
    expect(text).toBe('I know fact-1 fact-2.');
    expect(lastContext(calls).join()).not.toContain('function_call');
  });

  it('is left where the server cannot', async () => {
    const { engine, calls } = createRememberingEngine(lookThenRecite);
    const forgetful: Engine = {
      ...engine,
      generate(request, signal) {
        if (request.purpose === 'summary') throw new Error('No summaries here.');
        return engine.generate(request, signal);
      },
    };
    await using server = await startTestServer({ engines: [forgetful] });
    const run = await start(server.url, { tools, input: 'fact-1', compactAt: 1 });
    expect((await run.result()).text).toBe('I know fact-1 fact-2.');
    expect(lastContext(calls)).toEqual(['user: fact-1', 'function_call', 'function_call_output']);
  });
});
