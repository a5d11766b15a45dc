/** What only vLLM's wire has; what it shares with SGLang is in `../token-server/prefix-servers.test.ts`. */
import { expect, it } from 'vitest';
import type { PrefixServerOptions } from '../../../src/engine/token-server/prefix-server.ts';
import { echoTrimmed, toAnswerPart } from '../../../src/engine/vllm/stream.ts';
import { createVllmEngine } from '../../../src/engine/vllm/vllm.ts';
import { tokenizerConfig } from '../token-server/characters.ts';
import { faults, readEvents } from '../token-server/fixtures.ts';
import { startFakePrefixServer } from '../token-server/fake-prefix-server.ts';
import type { Dialect, FakePrefixServer } from '../token-server/fake-prefix-server.ts';
import { takeTurn, user } from '../token-chain/turns.ts';
import type { Turn, TurnOptions } from '../token-chain/turns.ts';
import { vllmDialect } from './dialect.ts';

function decode(name: string, top = 0): ReturnType<typeof toAnswerPart>[] {
  return readEvents('vllm', name, echoTrimmed).map((chunk) => toAnswerPart(chunk, top, faults));
}

async function turnOf(
  dialect: Dialect,
  options: Partial<PrefixServerOptions> = {},
  turn: TurnOptions = {},
): Promise<{ server: FakePrefixServer; turn: Turn }> {
  await using server = await startFakePrefixServer(dialect);
  const engine = createVllmEngine({ name: 'upstream', baseUrl: server.baseUrl, ...options });
  try {
    return { server, turn: await takeTurn(engine, null, [user('Hi')], turn) };
  } finally {
    await engine.close();
  }
}

it('reads an answer: ids without the end of turn, the cached tokens of the last event', () => {
  expect(decode('answer')).toEqual([
    { tokens: [9707], text: 'Hello', logprobs: [] },
    { tokens: [1052, 13], text: ' there.', logprobs: [] },
    { tokens: [], text: '', logprobs: [], reason: 'stop' },
    { tokens: [], text: '', logprobs: [], cachedTokens: 16 },
  ]);
});

it('keeps the id before a stop text, and the last one of a cut answer', () => {
  expect(decode('stop-text')).toMatchObject([{ tokens: [1, 2], reason: 'stop' }, {}]);
  expect(decode('length')).toMatchObject([{ tokens: [9707], reason: 'max_output_tokens' }, {}]);
});

it('reads log probabilities, of no more alternatives than were asked for', () => {
  const hello = { token: 'Hello', bytes: [72, 101, 108, 108, 111], logprob: -0.25 };
  const [first, last] = decode('logprobs', 1);
  expect(first?.logprobs).toEqual([{ ...hello, top_logprobs: [hello] }]);
  expect(last).toMatchObject({ tokens: [], logprobs: [] });
});

it('takes the error that stands in place of an event', () => {
  expect(() => decode('error-mid-stream')).toThrow("The engine 'upstream' failed");
});

it('does not parse the prompt that the first event repeats', () => {
  const data = '{"choices":[{"text":"a","prompt_token_ids":[1,2,3],"token_ids":[4]}]}';
  expect(echoTrimmed.trim?.(data)).toBe('{"choices":[{"text":"a","prompt_token_ids":[],"token_ids":[4]}]}');
  const quoted = JSON.stringify({ text: '"prompt_token_ids":[1]' });
  expect(echoTrimmed.trim?.(quoted)).toBe(quoted);
});

it('asks the server for its tokenizer, and says what to do where that is not told', async () => {
  expect((await turnOf(vllmDialect)).turn.text).toBe('Hello.');
  const silent: Dialect = { ...vllmDialect, answerTo: () => undefined };
  await expect(turnOf(silent)).rejects.toThrow('--enable-tokenizer-info-endpoint');
});

it('says so where the server tells no ids', async () => {
  const old: Dialect = {
    ...vllmDialect,
    *events(answer) {
      for (const { text } of answer.reads) yield { choices: [{ index: 0, text, finish_reason: null }] };
    },
  };
  await expect(turnOf(old)).rejects.toThrow('does not tell token ids');
});

it('holds answers to a schema, and passes the seed on', async () => {
  const schema = { type: 'object', properties: { a: { type: 'integer' } } };
  const text = { format: { type: 'json_schema' as const, name: 'n', schema, strict: true } };
  const held = await turnOf(vllmDialect, { seed: 7 }, { request: { text } });
  expect(held.server.asked[0]).toMatchObject({
    seed: 7,
    response_format: { type: 'json_schema', json_schema: { schema, strict: true } },
  });
});

it('uses a template of the configuration', async () => {
  const chatTemplate = tokenizerConfig.chat_template.replace("m.role + '\\n'", "m.role + ': '");
  const { server } = await turnOf(vllmDialect, { chatTemplate });
  expect(server.encoded.some((each) => each.startsWith('<|im_start|>user: Hi'))).toBe(true);
});
