/** What only SGLang's wire has; what it shares with vLLM is in `../token-server/prefix-servers.test.ts`. */
import { expect, it } from 'vitest';
import { createSglangEngine } from '../../../src/engine/sglang/sglang.ts';
import { AnswerReader } from '../../../src/engine/sglang/stream.ts';
import type { GenerateChunk } from '../../../src/engine/sglang/wire.ts';
import type { AnswerPart } from '../../../src/engine/token-server/generate.ts';
import type { PrefixServerOptions } from '../../../src/engine/token-server/prefix-server.ts';
import { toFacts } from '../../../src/engine/token-server/tokenizer.ts';
import { tokenizerConfig } from '../token-server/characters.ts';
import { faults, readEvents } from '../token-server/fixtures.ts';
import { startFakePrefixServer } from '../token-server/fake-prefix-server.ts';
import type { Dialect, FakePrefixServer } from '../token-server/fake-prefix-server.ts';
import { takeTurn, user } from '../token-chain/turns.ts';
import type { Turn, TurnOptions } from '../token-chain/turns.ts';
import { createSglangDialect } from './dialect.ts';

function decode(name: string, isIncremental = false): AnswerPart[] {
  const reader = new AnswerReader(isIncremental, faults);
  return readEvents<GenerateChunk>('sglang', name, {}).map((chunk) => reader.read(chunk));
}

async function turnOf(
  dialect: Dialect,
  options: Partial<PrefixServerOptions> = {},
  turn: TurnOptions = {},
): Promise<{ server: FakePrefixServer; turn: Turn }> {
  await using server = await startFakePrefixServer(dialect);
  const tokenizer = toFacts(tokenizerConfig);
  const engine = createSglangEngine({ name: 'upstream', baseUrl: server.baseUrl, tokenizer, ...options });
  try {
    return { server, turn: await takeTurn(engine, null, [user('Hi')], turn) };
  } finally {
    await engine.close();
  }
}

const answer = [
  { tokens: [9707], text: 'Hello', logprobs: [], cachedTokens: 24 },
  { tokens: [1052, 13], text: ' there.', logprobs: [], cachedTokens: 24 },
  { tokens: [], text: '', logprobs: [], cachedTokens: 24, reason: 'stop' },
];

it.each([
  ['all so far', 'answer', false],
  ['what is new', 'answer-incremental', true],
  ['new ids with all the text', 'answer-older', false],
])('reads events that say %s', (_, name, isIncremental) => {
  expect(decode(name, isIncremental)).toEqual(answer);
});

it('reads log probabilities, of which events say all so far', () => {
  const hello = { token: 'Hello', bytes: [72, 101, 108, 108, 111], logprob: -0.25 };
  const [first, second] = decode('logprobs');
  expect(first?.logprobs).toEqual([{ ...hello, top_logprobs: [hello] }]);
  expect(second).toMatchObject({
    tokens: [0],
    logprobs: [{ token: '!', logprob: -9999 }],
    reason: 'max_output_tokens',
  });
});

it('fails where the server gives an answer up', () => {
  expect(() => decode('abort')).toThrow("The engine 'upstream' failed (503)");
});

it('stops an answer by its id, also when the engine closes at once', async () => {
  const dialect = createSglangDialect();
  await using server = await startFakePrefixServer(dialect);
  const tokenizer = toFacts(tokenizerConfig);
  const engine = createSglangEngine({ name: 'upstream', baseUrl: server.baseUrl, tokenizer });
  const forever = Promise.withResolvers<void>();
  server.pace = (index) => (index === 2 ? forever.promise : undefined);
  const abort = new AbortController();
  const turn = takeTurn(engine, null, [user('Hi')], {
    signal: abort.signal,
    onEvents: () => abort.abort(new Error('enough')),
  });
  await expect(turn).rejects.toThrow('enough');
  await engine.close();
  expect(dialect.stopped).toEqual([server.asked[0]?.['rid']]);
  forever.resolve();
});

it('does not stop an answer that has ended', async () => {
  const dialect = createSglangDialect();
  await turnOf(dialect);
  expect(dialect.stopped).toEqual([]);
});

it('holds answers to a schema, and passes the seed on', async () => {
  const schema = { type: 'object', properties: { a: { type: 'integer' } } };
  const text = { format: { type: 'json_schema' as const, name: 'n', schema, strict: true } };
  const { server } = await turnOf(createSglangDialect(), { seed: 7 }, { request: { text } });
  expect(server.asked[0]).toMatchObject({ sampling_params: { sampling_seed: 7, json_schema: JSON.stringify(schema) } });
});

it('says what it needs: a tokenizer, and text', async () => {
  await expect(turnOf(createSglangDialect(), { tokenizer: null })).rejects.toThrow('the folder of its tokenizer');
  const silent: Dialect = {
    ...createSglangDialect(),
    *events(told) {
      for (const { ids } of told.reads) yield { output_ids: ids, meta_info: {} };
    },
  };
  await expect(turnOf(silent)).rejects.toThrow('--skip-tokenizer-init');
});
