import { resolveSettings } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { deepseek } from '../../../src/engine/chat-template/families/deepseek.ts';
import type { Family } from '../../../src/engine/chat-template/families/family.ts';
import { harmony } from '../../../src/engine/chat-template/families/harmony.ts';
import { hermes } from '../../../src/engine/chat-template/families/hermes.ts';
import { llama3 } from '../../../src/engine/chat-template/families/llama3.ts';
import { mistral } from '../../../src/engine/chat-template/families/mistral.ts';
import { emptyText } from '../../../src/engine/chat-template/template.ts';
import type { CallTarget } from '../../../src/engine/chat-template/tools.ts';
import type { InputGrammar } from '../../../src/engine/grammar/tool-grammars.ts';
import { HeldAnswer } from '../../../src/engine/token-chain/held-answer.ts';
import { Output } from '../../../src/engine/token-chain/output.ts';
import type { Prompt } from '../../../src/engine/token-chain/prompt.ts';

const targets = new Map<string, CallTarget>([
  ['edit__patch', { kind: 'custom', name: 'patch', namespace: 'edit' }],
  ['free', { kind: 'custom', name: 'free' }],
]);

const grammar: InputGrammar = { gbnf: 'root ::= "x"', allows: (rest) => rest === 'x' };
const grammars = new Map([['edit__patch', grammar]]);

function toPrompt(family: Family): Prompt {
  const span = { preamble: { tokens: [] }, run: null, tail: [], owner: null, project: 'p' };
  const encoding = { encode: () => Promise.resolve([]) };
  return { span, length: 0, opening: emptyText, forced: emptyText, heldTo: null, targets, family, encoding };
}

const createOutput = (family: Family): Output => new Output(toPrompt(family), emptyText, false, grammars);

const inputOf = (output: Output, pushed: ReturnType<Output['push']>): string =>
  [...pushed, ...output.finish()].map((event) => (event.type === 'call.delta' ? event.delta : '')).join('');

describe('an output', () => {
  it.each<[Family, string, string]>([
    [hermes, '<tool_call>\n{"name": "edit__patch", "arguments":', '}\n</tool_call>'],
    [llama3, '{"name": "edit__patch", "parameters":', '}'],
    [mistral, '[TOOL_CALLS]edit__patch[ARGS]', ''],
    [deepseek, '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>edit__patch\n```json\n', '\n```'],
    [harmony, '<|channel|>commentary to=functions.edit__patch <|constrain|>json<|message|>', '<|call|>'],
  ])('is held to the grammar of a tool from its input on: %j', (family, before, after) => {
    const output = createOutput(family);
    const events = output.push([1], before);
    expect(output.takeHold()).toBeNull();
    // The token of the brace has said more than may be said.
    events.push(...output.push([2], ' {"patch'));
    expect(output.takeHold()).toEqual({ grammar, text: ' {"input": "' });
    events.push(...output.push([3], 'a {\\n'));
    expect(output.takeHold()).toBeNull();
    events.push(...output.push([4], '"}'));
    expect(output.takeHold()).toEqual({ grammar: null, text: null });
    events.push(...output.push([5], after));
    expect(events).toContainEqual({ type: 'call.start', kind: 'custom', name: 'patch', namespace: 'edit' });
    expect(inputOf(output, events)).toBe('a {\n');
  });

  it('is held to nothing where the tool has no grammar, and in text', () => {
    const output = createOutput(hermes);
    const events = output.push(
      [1],
      'Say {"a": {}}: <tool_call>\n{"name": "free", "arguments": {"input": "{"}}\n</tool_call>',
    );
    expect(output.takeHold()).toBeNull();
    expect(inputOf(output, events)).toBe('{');
  });
});

describe('a held answer', () => {
  const json = resolveSettings({ input: [], text: { format: { type: 'json_object' } } });

  it('goes on in front of the first character that was not held, however many tokens it took', () => {
    const answer = new HeldAnswer(toPrompt(hermes), emptyText, json);
    expect(answer.push([1, 2], '<think>Hm.</think>')).toEqual([{ type: 'reasoning.delta', delta: 'Hm.' }]);
    expect(answer.schema).toBeNull();
    expect([answer.push([3], ''), answer.push([4], '🎉 Hi')]).toEqual([[], []]);
    expect(answer.mustChange).toBe(true);
    expect(answer.change()).toEqual({ kept: 2, added: '' });
    // A server may not have told all ids of what stays.
    expect(answer.change(false)).toEqual({ kept: 0, added: '<think>Hm.</think>' });
    answer.goOn(2, []);
    expect(answer.mustChange).toBe(false);
    expect(answer.schema).toEqual({ type: 'object', additionalProperties: true });
    expect(answer.push([5], '{}')).toEqual([{ type: 'text.delta', delta: '{}' }]);
    expect(answer.output.tokens).toEqual([1, 2, 5]);
    expect(answer.isOver).toBe(true);
  });

  it('takes what the model wrote of an input back, to its last whole character', () => {
    const answer = new HeldAnswer(toPrompt(mistral), emptyText, resolveSettings({ input: [] }), grammars);
    answer.push([1, 2], '[TOOL_CALLS]edit__patch');
    answer.push([3], '');
    answer.push([4], '[ARGS]{"x');
    expect(answer.change()).toEqual({ kept: 2, added: '[ARGS]{"input": "' });
    expect(answer.change(false)).toEqual({ kept: 0, added: '[TOOL_CALLS]edit__patch[ARGS]{"input": "' });
    answer.goOn(2, [7]);
    expect([answer.grammar, answer.output.tokens]).toEqual([grammar, [1, 2, 7]]);
    answer.push([8], 'x"}');
    expect(answer.change(false)).toEqual({ kept: 0, added: '[TOOL_CALLS]edit__patch[ARGS]{"input": "x"}' });
    expect(answer.grammar).toBeNull();
  });
});
