import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextTemplate } from '../../../src/engine/openai-chat/text-template.ts';
import type { ChatChunk } from '../../../src/engine/openai-chat/wire.ts';

const parse = (json: string): ChatChunk => JSON.parse(json) as ChatChunk;
const chunk = (content: string, fields: object = {}, delta: object = {}): string =>
  JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content, ...delta }, finish_reason: null }], ...fields });

function learned(json: string): TextTemplate {
  const template = new TextTemplate();
  template.learn(json, parse(json));
  return template;
}

test('a chunk that differs in its text alone is read, spaces or not', () => {
  expect(learned(chunk('one')).read(chunk('two ü'))).toBe('two ü');
  const spaced = (text: string) => `{"choices": [{"index": 0, "delta": {"content": "${text}"}}]}`;
  expect(learned(spaced('one')).read(spaced('two'))).toBe('two');
});

test.each([
  ['an escape', chunk('a "word"')],
  ['another field', chunk('two', { created: 2 })],
  ['a quote that ends the text', chunk('two').replace('two', 'two","content":"three')],
  ['no end', chunk('two').slice(0, -1)],
  ['a control character', chunk('two').replace('two', '\u0001')],
])('a chunk with %s must be parsed', (_, json) => {
  expect(learned(chunk('one')).read(json)).toBeNull();
});

test.each([
  ['counts', chunk('one', { usage: { prompt_tokens: 1 } })],
  ['an error', chunk('one', { error: {} })],
  ['reasoning', chunk('one', {}, { reasoning: 'Hm.' })],
  ['a call', chunk('one', {}, { tool_calls: [{ index: 0 }] })],
  ['a second choice', chunk('one').replace('"choices":[', '"choices":[{"index":1},')],
  ['a later `content` that says the same', chunk('one', { x: { content: 'one' } })],
  ['a `content` that is no text after it', chunk('one', { content: 1 })],
  ['a key in escapes and another behind it', `{"choices":[{"delta":{"c\\u006fntent":"{"}}],"content":1}`],
])('nothing is learned from a chunk with %s', (_, json) => {
  expect(learned(json).read(json)).toBeNull();
});

test('a stream whose chunks never repeat is parsed once each, after the first few', () => {
  const template = new TextTemplate();
  const learn = (created: number) => template.learn(chunk('a', { created }), parse(chunk('a', { created })));
  for (let created = 0; created < 8; created++) learn(created);
  expect(template.read(chunk('b', { created: 7 }))).toBeNull();
});

const texts = fc.oneof(fc.constantFrom('', 'one', 'probe', '"', '\\', '","content":"'), fc.string({ unit: 'binary' }));
const fields = fc.dictionary(
  fc.constantFrom('content', 'created', 'x', 'object'),
  fc.oneof(texts, fc.object({ maxDepth: 1 })),
);
const chunks = fc
  .record({ text: texts, before: fields, delta: fields, after: fields })
  .map(({ text, before, delta, after }) =>
    JSON.stringify({ ...before, choices: [{ ...before, delta: { ...delta, content: text }, ...after }], ...after }),
  );

test('what is read is what parsing would have found, with nothing else changed', () => {
  fc.assert(
    fc.property(chunks, texts, fc.integer({ min: 0, max: 400 }), fc.nat(20), (first, text, at, cut) => {
      const template = learned(first);
      const change = (json: string) => json.slice(0, at) + text + json.slice(at + cut);
      const other = parse(first);
      const same = {
        ...other,
        choices: other.choices?.map((each) => ({ ...each, delta: { ...each.delta, content: text } })),
      };
      for (const json of [JSON.stringify(same), change(first)]) {
        const read = template.read(json);
        if (read === null) continue;
        const expected = parse(first) as { choices: { delta: { content: string } }[] };
        for (const choice of expected.choices) choice.delta.content = read;
        expect(parse(json)).toEqual(expected);
      }
    }),
    { numRuns: 300 },
  );
});
