/**
 * Outputs in the forms that the models' makers document. All of them were written for these tests; none was recorded.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepseek, deepseekPlain } from '../../../src/engine/chat-template/families/deepseek.ts';
import type { Family } from '../../../src/engine/chat-template/families/family.ts';
import { findFamily } from '../../../src/engine/chat-template/families/find.ts';
import { generic } from '../../../src/engine/chat-template/families/generic.ts';
import { harmony } from '../../../src/engine/chat-template/families/harmony.ts';
import { llama3 } from '../../../src/engine/chat-template/families/llama3.ts';
import { mistral } from '../../../src/engine/chat-template/families/mistral.ts';
import { qwen3Coder } from '../../../src/engine/chat-template/families/qwen3-coder.ts';
import { called, calledCustom, read, readAnyway, said, thought } from './outputs.ts';
import type { Read } from './outputs.ts';

const oslo = '{"city": "Oslo"}';
const rome = '{"city": "Rome", "days": [1, 2]}';
/** A call as Qwen3-Coder writes it. */
const tagged = (name: string, args: Readonly<Record<string, string>>): string => {
  const parameters = Object.entries(args).map(([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`);
  return `<tool_call>\n<function=${name}>\n${parameters.join('')}</function>\n</tool_call>`;
};
const weather = (args: string): Read => called('get_weather', args);

const outputs: Record<string, { family: Family; cases: [string, string, Read[]][] }> = {
  llama3: {
    family: llama3,
    cases: [
      ['text', 'It is 7 degrees.', [said('It is 7 degrees.')]],
      ['a bare call', `{"name": "get_weather", "parameters": ${oslo}}`, [weather(oslo)]],
      ['a typed call', `{"type": "function", "name": "get_weather", "parameters": ${oslo}}`, [weather(oslo)]],
      [
        'a wrapped call',
        `{"type": "function", "function": {"name": "get_weather", "parameters": ${oslo}}}`,
        [weather(oslo)],
      ],
      ['a marked call', `<|python_tag|>{"name": "get_weather", "parameters": ${oslo}}<|eom_id|>`, [weather(oslo)]],
      [
        'two calls',
        `{"name": "get_weather", "parameters": ${oslo}}; {"name": "get_weather", "parameters": ${rome}}`,
        [weather(oslo), weather(rome)],
      ],
      ['JSON that is no call', '{"answer": {"name": "get_weather"}}', [said('{"answer": {"name": "get_weather"}}')]],
      ['JSON that names no tool', '{"name": "Ada", "parameters": {}}', [said('{"name": "Ada", "parameters": {}}')]],
      [
        'braces later on',
        `So: {"name": "get_weather", "parameters": ${oslo}}`,
        [said(`So: {"name": "get_weather", "parameters": ${oslo}}`)],
      ],
      [
        'a custom tool',
        '{"name": "apply_patch", "parameters": {"input": "a\\nb"}}',
        [calledCustom('apply_patch', 'a\nb')],
      ],
      ['a call that is cut off', '{"name": "get_weather", "parameters": {"ci', [weather('{"ci')]],
      [
        'the input of a custom tool that is cut off',
        '{"name": "apply_patch", "parameters": {"input": "a\\nb\\',
        [calledCustom('apply_patch', 'a\nb')],
      ],
      [
        'a custom tool that is cut off before its input',
        '{"name": "apply_patch", "parameters": {"inp',
        [calledCustom('apply_patch', '')],
      ],
      ['a Python call', '<|python_tag|>get_weather.call(city="Oslo")', [weather('{"city":"Oslo"}')]],
      [
        'Python of every kind',
        `<|python_tag|>get_weather.call(city='it\\'s "(x)"', days = [1, -2.5e3], exact=True, by=None, more={'a': ("b",)})<|eom_id|>`,
        [weather('{"city":"it\'s \\"(x)\\"","days":[1,-2500],"exact":true,"by":null,"more":{"a":["b"]}}')],
      ],
      [
        'two Python calls',
        '<|python_tag|>get_weather.call(city="Oslo"); <|python_tag|>get_weather.call()',
        [weather('{"city":"Oslo"}'), weather('{}')],
      ],
      ['Python that is no call', '<|python_tag|>print("Oslo")', [said('<|python_tag|>print("Oslo")')]],
      [
        'a Python call of no tool',
        '<|python_tag|>brave_search.call(query="Oslo")',
        [said('<|python_tag|>brave_search.call(query="Oslo")')],
      ],
      [
        'Python that is computed',
        '<|python_tag|>get_weather.call(city=home())',
        [said('<|python_tag|>get_weather.call(city=home())')],
      ],
      [
        'a Python call that is cut off',
        '<|python_tag|>get_weather.call(city="Os',
        [said('<|python_tag|>get_weather.call(city="Os')],
      ],
      [
        'a custom tool in Python',
        '<|python_tag|>apply_patch.call(input="a\\nb")',
        [calledCustom('apply_patch', 'a\nb')],
      ],
    ],
  },
  'qwen3-coder': {
    family: qwen3Coder,
    cases: [
      ['text', 'It is 7 degrees.', [said('It is 7 degrees.')]],
      ['a call', tagged('get_weather', { city: 'Oslo' }), [weather(oslo)]],
      [
        'arguments by their types',
        tagged('plan_trip', { city: '7', days: '2', exact: 'True', stops: '[1, "a"]', by: 'none', note: 'x' }),
        [called('plan_trip', '{"city": "7", "days": 2, "exact": true, "stops": [1, "a"], "by": null, "note": "x"}')],
      ],
      [
        'a text that its type does not allow',
        tagged('plan_trip', { days: 'two', by: '7' }),
        [called('plan_trip', '{"days": "two", "by": "7"}')],
      ],
      [
        'a text of many lines, with tags and quotes in it',
        tagged('get_weather', { city: '\n <b>"Oslo"</b>\n</tool_call>\t🎉\n' }),
        [weather(JSON.stringify({ city: '\n <b>"Oslo"</b>\n</tool_call>\t🎉\n' }).replace(':', ': '))],
      ],
      ['no arguments', '<tool_call>\n<function=get_weather>\n</function>\n</tool_call>', [weather('{}')]],
      [
        'arguments on the lines of their tags',
        '<tool_call><function=get_weather><parameter=city>Oslo</parameter></function></tool_call>',
        [weather(oslo)],
      ],
      [
        'reasoning, text and two calls',
        `<think>\nHm.\n</think>\n\nLet me see.\n${tagged('get_weather', { city: 'Oslo' })}\n${tagged('files__read', {})}`,
        [thought('Hm.'), said('Let me see.'), weather(oslo), { kind: 'function files.read', text: '{}' }],
      ],
      [
        'a call whose outer tag is forgotten',
        '<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>',
        [weather(oslo)],
      ],
      [
        'the form of older models',
        `<tool_call>\n{"name": "get_weather", "arguments": ${oslo}}\n</tool_call>`,
        [weather(oslo)],
      ],
      ['a custom tool', tagged('apply_patch', { input: 'a\nb' }), [calledCustom('apply_patch', 'a\nb')]],
      [
        'a call that is cut off',
        '<tool_call>\n<function=get_weather>\n<parameter=city>\nOs',
        [weather('{"city": "Os')],
      ],
      ['tags that are no call', '<tool_call>\n<b>7</b>\n</tool_call>', [said('<tool_call>\n<b>7</b>\n</tool_call>')]],
    ],
  },
  mistral: {
    family: mistral,
    cases: [
      ['text', 'It is 7 degrees.', [said('It is 7 degrees.')]],
      [
        'an array of calls',
        `[TOOL_CALLS] [{"name": "get_weather", "arguments": ${oslo}, "id": "abcdef123"}, {"name": "get_weather", "arguments": ${rome}}]`,
        [weather(oslo), weather(rome)],
      ],
      ['a marked call', `[TOOL_CALLS]get_weather[ARGS]${oslo}`, [weather(oslo)]],
      ['a call with an id', `[TOOL_CALLS]get_weather[CALL_ID]abcdef123[ARGS]${oslo}`, [weather(oslo)]],
      ['a name without a mark behind it', `[TOOL_CALLS]get_weather${oslo}`, [weather(oslo)]],
      [
        'two marked calls behind text',
        `Let me see.[TOOL_CALLS]get_weather[ARGS]${oslo}[TOOL_CALLS]get_weather[ARGS]${rome}`,
        [said('Let me see.'), weather(oslo), weather(rome)],
      ],
      [
        'reasoning, then a call',
        `[THINK]Where?[/THINK][TOOL_CALLS]get_weather[ARGS]${oslo}`,
        [thought('Where?'), weather(oslo)],
      ],
      ['a custom tool', '[TOOL_CALLS]apply_patch[ARGS]{"input": "a\\nb"}', [calledCustom('apply_patch', 'a\nb')]],
    ],
  },
  deepseek: {
    family: deepseek,
    cases: [
      ['text', 'It is 7 degrees.', [said('It is 7 degrees.')]],
      [
        'calls in fences',
        `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n\`\`\`json\n${oslo}\n\`\`\`<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n\`\`\`json\n${rome}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
        [weather(oslo), weather(rome)],
      ],
      [
        'plain calls behind reasoning and text',
        `<think>Hm.</think>One moment.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>${oslo}<｜tool▁call▁end｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>${rome}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
        [thought('Hm.'), said('One moment.'), weather(oslo), weather(rome)],
      ],
      ['a fence in text', 'Run:\n```json\n{"a": 1}\n```', [said('Run:\n```json\n{"a": 1}\n```')]],
    ],
  },
  harmony: {
    family: harmony,
    cases: [
      ['a final answer', '<|channel|>final<|message|>It is 7 degrees.<|return|>', [said('It is 7 degrees.')]],
      [
        'analysis, then the answer',
        '<|channel|>analysis<|message|>They ask for 2 < 3.<|end|><|start|>assistant<|channel|>final<|message|>Yes.',
        [thought('They ask for 2 < 3.'), said('Yes.')],
      ],
      [
        'analysis, then a call',
        `<|channel|>analysis<|message|>Look it up.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>${oslo}<|call|>`,
        [thought('Look it up.'), weather(oslo)],
      ],
      [
        'a recipient before the channel',
        ` to=functions.get_weather<|channel|>commentary json<|message|>${oslo}`,
        [weather(oslo)],
      ],
      [
        'a word to the user, then the answer',
        '<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>final<|message|>Done.<|return|>',
        [said('I will look.'), said('Done.')],
      ],
      [
        'a custom tool',
        '<|channel|>commentary to=functions.apply_patch <|constrain|>json<|message|>{"input": "a\\nb"}<|call|>',
        [calledCustom('apply_patch', 'a\nb')],
      ],
      [
        'a call without arguments',
        '<|channel|>commentary to=functions.get_weather<|message|><|call|>',
        [weather('{}')],
      ],
      ['no header at all', 'Hello there.', [said('Hello there.')]],
      [
        'an end that is missing',
        '<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>Yes.',
        [thought('Hm.'), said('Yes.')],
      ],
    ],
  },
  generic: {
    family: generic,
    cases: [
      [
        'the form that it is asked for',
        `<tool_call>\n{"name": "get_weather", "arguments": ${oslo}}\n</tool_call>`,
        [weather(oslo)],
      ],
      ['bare JSON', `{"name": "get_weather", "arguments": ${oslo}}`, [weather(oslo)]],
      ['JSON in a fence', `\`\`\`json\n{"name": "get_weather", "arguments": ${oslo}}\n\`\`\``, [weather(oslo)]],
      [
        'an array',
        `[{"name": "get_weather", "arguments": ${oslo}}, {"name": "get_weather", "arguments": ${rome}}]`,
        [weather(oslo), weather(rome)],
      ],
      ['a fence that is no call', '```json\n{"a": 1}\n```', [said('```json\n{"a": 1}\n```')]],
      ['a list', '[1, 2]', [said('[1, 2]')]],
    ],
  },
};

describe.each(Object.entries(outputs))('%s', (_, { family, cases }) => {
  it.each(cases)('reads %s, however it is cut', (__, text, expected) => {
    expect(readAnyway(family, text)).toEqual(expected);
  });

  it('reads whatever a model may write alike, however it is cut', () => {
    const scraps = [
      ...family.marks,
      family.forcedCall(null),
      '<function=get_weather>',
      '<parameter=city>',
      '</parameter>',
      '</function>',
      'get_weather.call(city="',
      '")',
      '{"name": "get_weather", ',
      '"arguments": {"a": "}"}',
      '}',
      ']',
      ',',
      ';',
    ];
    const words = ['get_weather', 'Hm. ', ' ', '\n', '<', '```', '<|end|>', '</tool_call>'];
    const outputOf = fc.array(fc.constantFrom(...scraps, ...words), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(outputOf, (text) => {
        expect(read(family, text.split(''))).toEqual(read(family, [text]));
      }),
      { numRuns: 400 },
    );
  });

  it('reads no calls where no tool can be called', () => {
    for (const [, text] of cases) {
      const kinds = read(family, [text], new Map()).map((entry) => entry.kind);
      expect(kinds.filter((kind) => kind.includes('.get_weather') || kind.includes('.apply_patch'))).toEqual([]);
    }
  });

  it('goes on where a call was begun for the model', () => {
    const begun = family.forcedCall('get_weather');
    const json = begun.endsWith('get_weather') ? `", "arguments": ${oslo}}` : oslo;
    const rest = family.argumentForm === 'tags' ? tagged('', { city: 'Oslo' }).split('<function=>')[1] : json;
    expect(readAnyway(family, `${begun}${rest}`)).toEqual([weather(oslo)]);
    if (family.argumentsOpening === null) return;
    expect(readAnyway(family, `${begun}${family.argumentsOpening}${oslo}`)).toEqual([weather(oslo)]);
  });
});

describe('the family of a template', () => {
  it.each([
    ["{{ '<tool_call>' }}", 'hermes'],
    ["{{ '<tool_call>' }} {{ '<function=' }}", 'qwen3-coder'],
    ["{{ '<|start_header_id|>' }} {{ '\"parameters\": ' }}", 'llama3'],
    ["{{ '<|python_tag|>' }}", 'llama3'],
    ["{{ '[TOOL_CALLS]' }}", 'mistral'],
    ["{{ '<|channel|>analysis<|message|>' }}", 'harmony'],
    ["{{ '<｜tool▁call▁begin｜>' }}", 'deepseek'],
    ["{{ '<|im_start|>' }}", 'generic'],
  ])('%s is found', (template, name) => {
    expect(findFamily(template).name).toBe(name);
  });

  it('tells two forms of one family apart', () => {
    expect(findFamily("'<｜tool▁call▁begin｜>' '```json'").forcedCall('f')).toBe(deepseek.forcedCall('f'));
    expect(findFamily("'<｜tool▁call▁begin｜>'").forcedCall('f')).toBe(deepseekPlain.forcedCall('f'));
    expect(findFamily("'[TOOL_CALLS]'").forcedCall('f')).toBe('[TOOL_CALLS][{"name": "f');
    expect(findFamily("'[TOOL_CALLS]' '[ARGS]'").forcedCall('f')).toBe('[TOOL_CALLS]f[ARGS]');
    expect(findFamily("'[TOOL_CALLS]' '[CALL_ID]' '[ARGS]'").forcedCall('f')).toBe('[TOOL_CALLS]f[CALL_ID]');
  });
});
