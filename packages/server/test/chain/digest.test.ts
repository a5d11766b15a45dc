import type { Item } from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addToDigest, emptyDigest } from '../../src/chain/digest.ts';

const digestOf = (...items: object[]): string => (items as Item[]).reduce(addToDigest, emptyDigest);

const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Yes.' }] };
const call = { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"a": 1}' };
const result = { type: 'function_call_output', call_id: 'c1', output: '7' };

describe('items that no model can tell apart have one digest', () => {
  it.each<[string, object, object]>([
    ['a text and a list of one', said, { ...said, content: 'Yes.' }],
    [
      'what a response adds to a message',
      said,
      {
        id: 'msg_1',
        status: 'completed',
        type: 'message',
        role: 'assistant',
        phase: null,
        content: [{ type: 'output_text', text: 'Yes.', annotations: [], logprobs: [] }],
      },
    ],
    ['a text by another name', said, { ...said, content: [{ type: 'input_text', text: 'Yes.' }] }],
    [
      'a mark for the prompt cache',
      said,
      { ...said, content: [{ type: 'output_text', text: 'Yes.', prompt_cache_breakpoint: { mode: 'explicit' } }] },
    ],
    ['the id and status of a call', call, { ...call, id: 'fc_1', status: 'completed', namespace: null }],
    ['the order of fields', call, Object.fromEntries(Object.entries(call).toReversed())],
    ['an output as parts', result, { ...result, id: 'x', output: [{ type: 'input_text', text: '7' }] }],
    [
      'the summary of reasoning',
      { type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: 'Hm' }], content: [text('Hm.')] },
      { type: 'reasoning', content: [text('Hm.')] },
    ],
  ])('%s', (_name, one, other) => {
    expect(digestOf(one)).toBe(digestOf(other));
  });

  it('reasoning that says nothing is no item at all', () => {
    expect(digestOf(said, { type: 'reasoning', id: 'r', summary: [] }, call)).toBe(digestOf(said, call));
  });
});

describe('items that a model sees otherwise have another', () => {
  it.each<[string, object, object]>([
    ['the text', said, { ...said, content: 'Yes!' }],
    ['the role', said, { ...said, role: 'user' }],
    ['a refusal', said, { ...said, content: [{ type: 'refusal', refusal: 'Yes.' }] }],
    ['two parts', said, { ...said, content: [text('Yes'), text('.')] }],
    ['the call id', call, { ...call, call_id: 'c2' }],
    ['a space in the arguments', call, { ...call, arguments: '{"a":1}' }],
    ['a namespace', call, { ...call, namespace: 'files' }],
    ['a field that we do not know', call, { ...call, mood: 'fine' }],
    ['the type', call, { ...call, type: 'custom_tool_call' }],
    ['the status of a patch', patched('completed'), patched('failed')],
    ['an id that stands for the call', { type: 'mcp_call', id: 'a' }, { type: 'mcp_call', id: 'b' }],
    ['half a character', { ...said, content: '\uD800' }, { ...said, content: '\uD801' }],
    ['reasoning', { type: 'reasoning', content: [text('a')] }, { type: 'reasoning', content: [text('b')] }],
    ['sealed reasoning', { type: 'reasoning', encrypted_content: 'a' }, { type: 'reasoning', content: [text('a')] }],
  ])('%s', (_name, one, other) => {
    expect(digestOf(one)).not.toBe(digestOf(other));
  });

  it('where one item ends and the next begins', () => {
    expect(digestOf(said, call)).not.toBe(digestOf(call, said));
    expect(digestOf(said, said)).not.toBe(digestOf(said));
  });

  it('whatever texts say', () => {
    const texts = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const of = (contents: readonly string[]) => digestOf(...contents.map((content) => ({ ...said, content })));
        expect(of(a) === of(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

function text(words: string): object {
  return { type: 'reasoning_text', text: words };
}

function patched(status: string): object {
  return { type: 'apply_patch_call_output', call_id: 'c', status };
}
