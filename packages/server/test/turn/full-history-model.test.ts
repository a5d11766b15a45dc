/** A real model behind a client that sends its whole history: it evaluates what is new, and says what it would say anyway. */
import type { Response, ResponseCreateParamsNonStreaming, ResponseInput } from 'openai/resources/responses/responses';
import { expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { tinyDemo } from '../../src/engine/llama/demo.ts';
import { createLlamaEngine } from '../../src/engine/llama/llama.ts';
import { startTestServer } from '../harness.ts';
import { clientOf } from '../stored/sdk.ts';

const keys = ['a', 'b', 'c'].map((project) => `secret-of-${project}-0123456789`);
const flags = ['a', 'b', 'c'].flatMap((project, index) => ['--api-key', `${project}=${keys[index]}`]);
const questions = ['What is the weather in Oslo?', 'And in Rome?', 'Why?', 'Thank you.', 'What did I ask first?'];

interface Rollout {
  readonly said: string[];
  readonly usages: { input: number; cached: number }[];
  readonly history: ResponseInput;
}

const model = 'tiny-demo';
const settings = { model, temperature: 0, max_output_tokens: 24, instructions: 'Be brief.' };

it('evaluates no token twice, in its own project', async () => {
  const engine = await createLlamaEngine({
    ...tinyDemo,
    contextTokens: 1024,
    memoryBudgetBytes: 6 * 1024 * 3072,
    threads: 1,
  });
  await using server = await startTestServer({ engines: [engine as Engine], flags });

  async function rollOut(key = '', inFull: boolean): Promise<Rollout> {
    const client = clientOf(server, key);
    const rollout: Rollout = { said: [], usages: [], history: [] };
    let last: Response | null = null;
    for (const content of questions) {
      const question: ResponseInput[number] = { type: 'message', role: 'user', content };
      rollout.history.push(question);
      const body: ResponseCreateParamsNonStreaming = inFull
        ? { ...settings, input: rollout.history }
        : { ...settings, input: [question], previous_response_id: last?.id ?? null };
      last = await client.responses.create(body);
      rollout.said.push(last.output_text);
      const { input_tokens: input = 0, input_tokens_details: details } = last.usage ?? {};
      rollout.usages.push({ input, cached: details?.cached_tokens ?? 0 });
      rollout.history.push(...(last.output as ResponseInput));
    }
    return rollout;
  }

  const chained = await rollOut(keys[0], false);
  const sent = await rollOut(keys[1], true);
  // Another project's identical conversation has left nothing for this one: it begins from nothing too.
  expect(sent).toMatchObject({ said: chained.said, usages: chained.usages });
  expect(sent.usages[0]?.cached).toBe(0);
  const evaluated = sent.usages.map(({ input, cached }) => input - cached);
  const grown = sent.usages.map(({ input }, turn) => input - (sent.usages[turn - 1]?.input ?? 0));
  for (const [turn, tokens] of evaluated.entries()) expect(tokens).toBeLessThanOrEqual(grown[turn] ?? 0);

  const again = { ...settings, input: sent.history.slice(0, -1) };
  const foreign = await clientOf(server, keys[2]).responses.create(again);
  expect(foreign.usage?.input_tokens_details.cached_tokens).toBe(0);
  expect(foreign.output_text).toBe(sent.said.at(-1));
  const own = await clientOf(server, keys[1]).responses.create(again);
  expect(own.usage?.input_tokens_details.cached_tokens).toBe((own.usage?.input_tokens ?? 0) - 1);
  expect(own.output_text).toBe(sent.said.at(-1));
});
