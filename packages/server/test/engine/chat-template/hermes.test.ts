import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hermes } from '../../../src/engine/chat-template/families/hermes.ts';
import { called, calledCustom, fold, read, said, readAnyway, targets, thought } from './outputs.ts';
import type { Read } from './outputs.ts';

const call = (name: string, args: string): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${args}}\n</tool_call>`;

describe('hermes', () => {
  it.each<[string, string, Read[]]>([
    ['plain text', 'Hello, world.\n', [said('Hello, world.\n')]],
    ['nothing', '', []],
    ['a call', call('get_weather', '{"city": "Oslo"}'), [called('get_weather', '{"city": "Oslo"}')]],
    [
      'text, then two calls',
      `Let me see.\n${call('get_weather', '{"city": "Rome"}')}\n${call('get_weather', '{"city": "Oslo"}')}`,
      [said('Let me see.'), called('get_weather', '{"city": "Rome"}'), called('get_weather', '{"city": "Oslo"}')],
    ],
    ['a namespace', call('files__read', '{}'), [{ kind: 'function files.read', text: '{}' }]],
    ['a custom tool', call('apply_patch', '{"input": "a\\n\\"b\\""}'), [calledCustom('apply_patch', 'a\n"b"')]],
    ['a name that is not offered', call('nope', '{"a": 1}'), [called('nope', '{"a": 1}')]],
    [
      'arguments before the name',
      '<tool_call>{"arguments": {"city": "Oslo"}, "name": "get_weather"}</tool_call>',
      [called('get_weather', '{"city": "Oslo"}')],
    ],
    [
      'arguments in a string',
      '<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": 1}"}</tool_call>',
      [called('get_weather', '{"city": 1}')],
    ],
    ['no arguments', '<tool_call>{"name": "get_weather"}</tool_call>', [called('get_weather', '{}')]],
    [
      'tags and braces inside strings',
      call('get_weather', '{"city": "</tool_call> } \\" {"}'),
      [called('get_weather', '{"city": "</tool_call> } \\" {"}')],
    ],
    [
      'a call that is cut off',
      '<tool_call>\n{"name": "get_weather", "arguments": {"ci',
      [called('get_weather', '{"ci')],
    ],
    ['no call after all', '<tool_call>later</tool_call> ok', [said('<tool_call>later</tool_call>ok')]],
    ['the beginning of a tag at the end', 'a <tool_ca', [said('a <tool_ca')]],
    ['reasoning, then text', '<think>\nHm, 2 < 3.\n</think>\n\nYes.', [thought('Hm, 2 < 3.'), said('Yes.')]],
    ['a tag of reasoning later on', 'So <think> is a tag.', [said('So <think> is a tag.')]],
    ['reasoning that does not end', '<think>Well', [thought('Well')]],
    ['text behind a call', `${call('get_weather', '{}')}\nDone.`, [called('get_weather', '{}'), said('Done.')]],
  ])('reads %s, however it is cut', (_, text, expected) => {
    expect(readAnyway(hermes, text)).toEqual(expected);
  });

  it('holds back no more than what may be a tag', () => {
    const parser = hermes.createParser(targets, '');
    expect(fold(parser.push('a < b'))).toEqual([said('a < b')]);
    expect(parser.push('\n<tool')).toEqual([]);
    expect(parser.isSettled).toBe(false);
    expect(fold(parser.push(' box'))).toEqual([said('\n<tool box')]);
    expect(parser.isSettled).toBe(true);
  });

  it('streams arguments as they come', () => {
    const parser = hermes.createParser(targets, '');
    expect(parser.push('<tool_call>\n{"name": "get_weather"')).toEqual([
      { type: 'call.start', kind: 'function', name: 'get_weather' },
    ]);
    expect(parser.push(', "arguments": {"ci')).toEqual([{ type: 'call.delta', delta: '{"ci' }]);
    expect(parser.push('ty": "Os')).toEqual([{ type: 'call.delta', delta: 'ty": "Os' }]);
    expect(parser.calls).toBe(0);
    expect(parser.push('lo"}}')).toEqual([{ type: 'call.delta', delta: 'lo"}' }]);
    expect(parser.calls).toBe(1);
    expect(parser.isBetweenItems).toBe(false);
    expect(parser.push('\n</tool_call>')).toEqual([]);
    expect(parser.isBetweenItems).toBe(true);
  });

  it('leaves tags alone where no tool can be called', () => {
    const text = call('get_weather', '{}');
    expect(read(hermes, [text], new Map())).toEqual([said(text)]);
  });

  it('starts inside reasoning where the prompt opened it', () => {
    expect(read(hermes, ['Hm.</think>Yes.'], targets, '<|im_start|>assistant\n<think>\n')).toEqual([
      thought('Hm.'),
      said('Yes.'),
    ]);
  });

  it('loses nothing of a text without tags', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('<', 't', 'o', ' ', '\n', '>', '/', 'x') })), (chunks) => {
        const text = read(hermes, chunks)
          .map((entry) => entry.text)
          .join('');
        expect(text).toBe(chunks.join(''));
      }),
    );
  });
});
