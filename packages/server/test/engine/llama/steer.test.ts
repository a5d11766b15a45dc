import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interruption } from '../../../src/engine/engine.ts';
import type { Engine, EngineEvent, GenerateRequest } from '../../../src/engine/engine.ts';
import { tinyDemo } from '../../../src/engine/llama/demo.ts';
import { createLlamaEngine } from '../../../src/engine/llama/llama.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { TestSocket, startTestServer } from '../../harness.ts';
import type { Frame } from '../../harness.ts';
import { takeTurn, toGenerateRequest, toItems, user } from '../token-chain/turns.ts';

let engine: Engine<TokenContext>;
beforeAll(async () => {
  engine = await createLlamaEngine({
    ...tinyDemo,
    contextTokens: 1024,
    memoryBudgetBytes: 4 * 1024 * 3072,
    threads: 1,
  });
});
afterAll(() => engine.close());

const story = 'Tell me a story about a fox named Rusty.';

/** Reads a generation until `stop` says that it is interrupted; what comes after that is not delivered, as in a turn. */
async function interrupt(context: TokenContext, stop: (events: readonly EngineEvent[]) => boolean) {
  const abort = new AbortController();
  const delivered: EngineEvent[] = [];
  let end: EngineEvent | undefined;
  for await (const batch of engine.generate(toGenerateRequest(context), abort.signal)) {
    if (abort.signal.aborted) {
      end = batch.at(-1);
      continue;
    }
    delivered.push(...batch);
    if (stop(delivered)) abort.abort(new Interruption());
  }
  return { items: toItems(delivered), delivered: delivered.length, end };
}

describe('an interruption', () => {
  it('ends with what was counted, and the chain goes on from the tokens that are there', async () => {
    const context = engine.extend(null, [user(story)]);
    const { items, delivered, end } = await interrupt(context, (events) => events.length === 12);
    if (end?.type !== 'end') throw new Error('An end was expected.');
    expect(end.usage.outputTokens).toBeGreaterThanOrEqual(delivered);
    const next = await takeTurn(engine, engine.extend(context, items), [user('What is the capital of Japan?')]);
    expect(next.text).toContain('Tokyo');
    // Each batch brought one token at least, and none of them is evaluated again.
    expect(next.usage.cachedTokens).toBeGreaterThanOrEqual(end.usage.inputTokens + delivered - 1);
  });

  it('may have been seen later by the reader: the chain then goes on from what the reader has', async () => {
    const context = engine.extend(null, [user(story)]);
    const abort = new AbortController();
    const batches: (readonly EngineEvent[])[] = [];
    for await (const batch of engine.generate(toGenerateRequest(context), abort.signal)) {
      batches.push(batch);
      if (batches.length === 12) abort.abort(new Interruption());
    }
    const seen = toItems(batches.slice(0, 11).flat());
    const next = await takeTurn(engine, engine.extend(context, seen), [user('What is the capital of Japan?')]);
    const end = batches.at(-1)?.at(-1);
    if (end?.type !== 'end') throw new Error('An end was expected.');
    expect(next.usage.cachedTokens).toBeGreaterThanOrEqual(end.usage.inputTokens + 10);
  });

  it('before the first token tells the prompt', async () => {
    const context = engine.extend(null, [user('word '.repeat(300))]);
    const abort = new AbortController();
    const batches = engine.generate(toGenerateRequest(context), abort.signal)[Symbol.asyncIterator]();
    const first = batches.next();
    setImmediate(() => abort.abort(new Interruption()));
    const { value } = await first;
    const count = await engine.count?.(toGenerateRequest(context), new AbortController().signal);
    expect(value?.at(-1)).toMatchObject({ type: 'end', usage: { inputTokens: count, outputTokens: 0 } });
  });
});

/** The engine, but it says no more than some tokens before it is interrupted: a steer then never comes too late. */
function pausing(limit: number): Engine<TokenContext> {
  return {
    ...bound(engine),
    async *generate(request: GenerateRequest<TokenContext>, signal: AbortSignal) {
      let batches = 0;
      const isStory = request.context.messages.at(-1)?.content === story;
      for await (const batch of engine.generate(request, signal)) {
        yield batch;
        batches += 1;
        if (isStory && batches === limit && !signal.aborted)
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }
    },
  };
}

function bound(inner: Engine<TokenContext>): Engine<TokenContext> {
  return {
    name: inner.name,
    models: () => inner.models(),
    extend: (...chain) => inner.extend(...chain),
    generate: (...turn) => inner.generate(...turn),
    release: (context) => inner.release(context),
    close: () => Promise.resolve(),
  };
}

describe('a steer over the socket', () => {
  it('goes on without evaluating again what the model had said', async () => {
    await using server = await startTestServer({ engines: [pausing(10) as Engine] });
    using socket = await TestSocket.open(server.url);
    const until = async (type: string): Promise<Frame> => {
      for (;;) {
        const frame = await socket.next();
        if (frame.type === type) return frame;
      }
    };
    socket.create({ model: 'tiny-demo', input: story });
    const created = await until('response.created');
    if (!('response' in created)) throw new Error('A response was expected.');
    for (let delta = 0; delta < 10; delta += 1) await until('response.output_text.delta');
    const target = created.response.id;
    socket.send({
      type: 'response.steer',
      previous_response_id: target,
      input: 'Stop, tell me the capital of Peru instead.',
    });
    const steered = await until('response.incomplete');
    const answered = await until('response.completed');
    if (!('response' in steered) || !('response' in answered)) throw new Error('Two responses were expected.');
    const [before, after] = [steered.response.usage, answered.response.usage];
    expect(before?.output_tokens).toBeGreaterThanOrEqual(10);
    expect(JSON.stringify(answered.response.output)).toContain('Lima');
    expect(after?.input_tokens_details.cached_tokens).toBeGreaterThanOrEqual((before?.input_tokens ?? 0) + 9);
  });
});
