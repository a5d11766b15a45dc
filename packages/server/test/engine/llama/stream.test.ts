import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../../src/engine/engine.ts';
import { OutputParser } from '../../../src/engine/llama/stream.ts';
import type { CallTarget } from '../../../src/engine/llama/tools.ts';

const targets = new Map<string, CallTarget>([
  ['get_weather', { kind: 'function', name: 'get_weather' }],
  ['files__read', { kind: 'function', name: 'read', namespace: 'files' }],
  ['apply_patch', { kind: 'custom', name: 'apply_patch' }],
]);

interface Read {
  kind: string;
  text: string;
}

/** Neighbouring deltas of one kind as one entry. */
function fold(events: readonly EngineEvent[]): Read[] {
  const entries: Read[] = [];
  for (const event of events) {
    const last = entries.at(-1);
    if (event.type === 'call.start')
      entries.push({ kind: `${event.kind} ${event.namespace ?? ''}.${event.name}`, text: '' });
    else if (event.type === 'call.delta' && last !== undefined) last.text += event.delta;
    else if (event.type === 'text.delta' || event.type === 'reasoning.delta') {
      if (last?.kind === event.type) last.text += event.delta;
      else entries.push({ kind: event.type, text: event.delta });
    }
  }
  return entries;
}

function read(chunks: readonly string[], tools: ReadonlyMap<string, CallTarget> = targets, isThinking = false): Read[] {
  const parser = new OutputParser(tools, isThinking);
  return fold([...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.finish()]);
}

const call = (name: string, args: string): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${args}}\n</tool_call>`;

describe('OutputParser', () => {
  it.each<[string, string, Read[]]>([
    ['plain text', 'Hello, world.\n', [{ kind: 'text.delta', text: 'Hello, world.\n' }]],
    ['nothing', '', []],
    ['a call', call('get_weather', '{"city": "Oslo"}'), [{ kind: 'function .get_weather', text: '{"city": "Oslo"}' }]],
    [
      'text, then two calls',
      `Let me see.\n${call('get_weather', '{"city": "Rome"}')}\n${call('get_weather', '{"city": "Oslo"}')}`,
      [
        { kind: 'text.delta', text: 'Let me see.' },
        { kind: 'function .get_weather', text: '{"city": "Rome"}' },
        { kind: 'function .get_weather', text: '{"city": "Oslo"}' },
      ],
    ],
    ['a namespace', call('files__read', '{}'), [{ kind: 'function files.read', text: '{}' }]],
    [
      'a custom tool',
      call('apply_patch', '{"input": "a\\n\\"b\\""}'),
      [{ kind: 'custom .apply_patch', text: 'a\n"b"' }],
    ],
    ['a name that is not offered', call('nope', '{"a": 1}'), [{ kind: 'function .nope', text: '{"a": 1}' }]],
    [
      'arguments before the name',
      '<tool_call>{"arguments": {"city": "Oslo"}, "name": "get_weather"}</tool_call>',
      [{ kind: 'function .get_weather', text: '{"city": "Oslo"}' }],
    ],
    [
      'arguments in a string',
      '<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": 1}"}</tool_call>',
      [{ kind: 'function .get_weather', text: '{"city": 1}' }],
    ],
    ['no arguments', '<tool_call>{"name": "get_weather"}</tool_call>', [{ kind: 'function .get_weather', text: '{}' }]],
    [
      'tags and braces inside strings',
      call('get_weather', '{"city": "</tool_call> } \\" {"}'),
      [{ kind: 'function .get_weather', text: '{"city": "</tool_call> } \\" {"}' }],
    ],
    [
      'a call that is cut off',
      '<tool_call>\n{"name": "get_weather", "arguments": {"ci',
      [{ kind: 'function .get_weather', text: '{"ci' }],
    ],
    [
      'no call after all',
      '<tool_call>later</tool_call> ok',
      [{ kind: 'text.delta', text: '<tool_call>later</tool_call>ok' }],
    ],
    ['the beginning of a tag at the end', 'a <tool_ca', [{ kind: 'text.delta', text: 'a <tool_ca' }]],
    [
      'reasoning, then text',
      '<think>\nHm, 2 < 3.\n</think>\n\nYes.',
      [
        { kind: 'reasoning.delta', text: 'Hm, 2 < 3.' },
        { kind: 'text.delta', text: 'Yes.' },
      ],
    ],
    ['a tag of reasoning later on', 'So <think> is a tag.', [{ kind: 'text.delta', text: 'So <think> is a tag.' }]],
    ['reasoning that does not end', '<think>Well', [{ kind: 'reasoning.delta', text: 'Well' }]],
    [
      'text behind a call',
      `${call('get_weather', '{}')}\nDone.`,
      [
        { kind: 'function .get_weather', text: '{}' },
        { kind: 'text.delta', text: 'Done.' },
      ],
    ],
  ])('reads %s, however it is cut', (_, text, expected) => {
    expect(read([text])).toEqual(expected);
    expect(read(text.split(''))).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 }), (sizes) => {
        const chunks: string[] = [];
        for (let at = 0, turn = 0; at < text.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(text.slice(at, at + size));
          at += size;
        }
        expect(read(chunks)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('holds back no more than what may be a tag', () => {
    const parser = new OutputParser(targets);
    expect(fold(parser.push('a < b'))).toEqual([{ kind: 'text.delta', text: 'a < b' }]);
    expect(parser.push('\n<tool')).toEqual([]);
    expect(parser.isSettled).toBe(false);
    expect(fold(parser.push(' box'))).toEqual([{ kind: 'text.delta', text: '\n<tool box' }]);
    expect(parser.isSettled).toBe(true);
  });

  it('streams arguments as they come', () => {
    const parser = new OutputParser(targets);
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
    expect(read([text], new Map())).toEqual([{ kind: 'text.delta', text }]);
  });

  it('starts inside reasoning where the prompt opened it', () => {
    expect(read(['Hm.</think>Yes.'], targets, true)).toEqual([
      { kind: 'reasoning.delta', text: 'Hm.' },
      { kind: 'text.delta', text: 'Yes.' },
    ]);
  });

  it('loses nothing of a text without tags', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('<', 't', 'o', ' ', '\n', '>', '/', 'x') })), (chunks) => {
        const text = read(chunks)
          .map((entry) => entry.text)
          .join('');
        expect(text).toBe(chunks.join(''));
      }),
    );
  });
});
