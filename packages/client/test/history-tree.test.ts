/** What a history that is sent in full is found to go on from. */
import type { InputItem, OutputItem } from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HistoryTree } from '../src/fetch/history-tree.ts';

const user = (content: string): InputItem => ({ type: 'message', role: 'user', content });
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Hello.', annotations: [], logprobs: [] }],
} as OutputItem;
const call = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'look',
  arguments: '{"at": "sky", "n": 1}',
  status: 'completed',
} as OutputItem;
const reasoning = { id: 'rs_1', type: 'reasoning', summary: [] } as OutputItem;
const rain: InputItem = { type: 'function_call_output', call_id: 'call_1', output: 'rain' };

/** A tree in which "Hi." was answered with these items. */
function answered(...output: OutputItem[]): HistoryTree {
  const tree = new HistoryTree(Infinity);
  tree.add(tree.match([user('Hi.')], false), 'resp_1', false, output);
  return tree;
}

function found(tree: HistoryTree, ...items: unknown[]): [string | null, number] {
  const { responseId, known } = tree.match(items as InputItem[], false);
  return [responseId, known];
}

describe('an echo is found', () => {
  test.each<[string, OutputItem[], unknown[]]>([
    ['as it was', [message], [message]],
    ['a text in place of a list', [message], [{ role: 'assistant', content: 'Hello.' }]],
    [
      'without a type, an id and a status',
      [message],
      [{ role: 'assistant', content: [{ type: 'output_text', text: 'Hello.' }] }],
    ],
    ['by reference', [message], [{ type: 'item_reference', id: 'msg_1' }]],
    ['arguments written again', [call], [{ ...call, arguments: '{"at":"sky","n":1}' }]],
    ['with what the SDK parsed', [call], [{ ...call, parsed_arguments: { at: 'sky', n: 1 } }]],
    ['reasoning left out', [reasoning, call], [call]],
    [
      'reasoning in part',
      [{ ...reasoning, content: [{ type: 'reasoning_text', text: 'Hm.' }] } as OutputItem, call],
      [reasoning, call],
    ],
    ['reasoning at the end', [call, reasoning], [call, reasoning]],
  ])('%s', (_name, output, echo) => {
    expect(found(answered(...output), user('Hi.'), ...echo, rain)).toEqual(['resp_1', 1 + echo.length]);
  });
});

describe('another history is not', () => {
  test.each<[string, unknown[]]>([
    ['another question', [user('Hi!'), message, user('More.')]],
    ['another answer', [user('Hi.'), { role: 'assistant', content: 'Hello!' }, user('More.')]],
    ['more in front', [user('First.'), user('Hi.'), message, user('More.')]],
    ['another speaker', [user('Hi.'), { role: 'user', content: 'Hello.' }, user('More.')]],
    ['an answer left out', [user('Hi.'), user('More.')]],
    [
      'sealed reasoning that was left out',
      [user('Hi.'), { ...reasoning, encrypted_content: 'x' }, message, user('More.')],
    ],
    ['nothing new', [user('Hi.'), message]],
  ])('%s', (_name, items) => {
    expect(found(answered(message), ...items)).toEqual([null, 0]);
  });
});

test('the longest known one is found, and a fork beside it', () => {
  const tree = answered(message);
  const second = tree.match([user('Hi.'), message as InputItem, user('More.')], false);
  tree.add(second, 'resp_2', false, [call]);
  const history = [user('Hi.'), message, user('More.'), call];
  expect(found(tree, ...history, rain)).toEqual(['resp_2', 4]);
  expect(found(tree, ...history.slice(0, 2), user('Less.'))).toEqual(['resp_1', 2]);
});

test('what the server does not keep is left, what is stored stays', () => {
  const tree = answered(message);
  tree.add(tree.match([user('Ho.')], true), 'resp_2', true, [message]);
  tree.leave('resp_1');
  tree.leave('resp_2');
  expect(found(tree, user('Hi.'), message, rain)).toEqual([null, 0]);
  expect(found(tree, user('Ho.'), message, rain)).toEqual(['resp_2', 2]);
});

test('what is to be stored goes on from what was to be, stored or not', () => {
  const tree = answered(message);
  const more = [user('Hi.'), message as InputItem, user('More.')];
  expect(tree.match(more, true)).toMatchObject({ responseId: null, known: 0 });
  tree.add(tree.match([user('Hi.')], true), 'resp_2', false, [message]);
  expect(tree.match(more, true)).toMatchObject({ responseId: 'resp_2', known: 2 });
});

test('a turn that ends after its history was forgotten adds nothing', () => {
  const tree = answered(message);
  const match = tree.match([user('Hi.'), message as InputItem, user('More.')], false);
  tree.forget('resp_1');
  tree.add(match, 'resp_2', false, [call]);
  expect(found(tree, user('Hi.'), message, user('More.'), call, rain)).toEqual([null, 0]);
});

test('beyond its size the histories used longest ago go', () => {
  const tree = new HistoryTree(2_000);
  for (const name of ['a', 'b', 'c', 'd']) {
    tree.add(tree.match([user(name.repeat(600))], false), `resp_${name}`, false, [message]);
    expect(found(tree, user('a'.repeat(600)), message, rain)).toEqual(['resp_a', 2]);
  }
  expect(found(tree, user('b'.repeat(600)), message, rain)).toEqual([null, 0]);
  expect(found(tree, user('d'.repeat(600)), message, rain)).toEqual(['resp_d', 2]);
});

test('whatever was said and forgotten: a match is a beginning that ended in that response', () => {
  const said = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 });
  const steps = fc.array(fc.record({ said, isForgotten: fc.boolean() }), { maxLength: 30 });
  fc.assert(
    fc.property(steps, (commands) => {
      const tree = new HistoryTree(700);
      const ends = new Map<string, string>();
      for (const [index, { said, isForgotten }] of commands.entries()) {
        const match = tree.match(said.map(user), true);
        const ended = match.responseId === null ? '' : ends.get(match.responseId);
        expect(said.slice(0, match.known).join('')).toBe(ended);
        const id = `resp_${index}`;
        tree.add(match, id, true, []);
        ends.set(id, said.join(''));
        if (isForgotten && match.responseId !== null) tree.forget(match.responseId);
      }
    }),
  );
});
