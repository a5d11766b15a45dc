/** Small conversations that find out what a chat template can do, and whether it may be rendered in pieces. */
import type { Family } from './families/family.ts';
import type { ChatMessage, ChatToolCall } from './messages.ts';
import { plainVariables, reasoningFields } from './rendering.ts';
import type { Renderer, TemplateTraits, TemplateVariables } from './rendering.ts';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const system = (content: string): ChatMessage => ({ role: 'system', content });
const result = (content: string): ChatMessage => ({ role: 'tool', content, tool_call_id: 'call00001' });
const answer = (content: string, ...calls: ChatToolCall[]): ChatMessage =>
  calls.length === 0 ? { role: 'assistant', content } : { role: 'assistant', content, tool_calls: calls };
const thought = (reasoning: string, message: ChatMessage): ChatMessage => ({
  ...message,
  reasoning_content: reasoning,
});

const probeArguments = '{"city": "Oslo"}';
const probeDescription = 'Tells the probed weather';
const call: ChatToolCall = {
  id: 'call00001',
  type: 'function',
  function: { name: 'probe_weather', arguments: probeArguments },
};
const withTools: TemplateVariables = {
  ...plainVariables,
  tools: [
    {
      type: 'function',
      function: {
        name: 'probe_weather',
        description: probeDescription,
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ],
};

/** Finds the traits of a template by trying. */
export function findTraits(renderer: Renderer, family: Family): TemplateTraits {
  const all: TemplateTraits = {
    system: true,
    laterSystem: true,
    neighbours: true,
    tools: true,
    rawArguments: true,
    parallelCalls: true,
    reasoningField: 'reasoning_content',
    textBesideReasoning: true,
    anyCallId: true,
    toolChoice: true,
  };
  /** Whether the texts stand in the rendered conversation, in this order. */
  const shows = (
    messages: readonly ChatMessage[],
    texts: readonly string[],
    variables = plainVariables,
    traits = all,
  ): boolean => {
    try {
      const rendered = renderer.render(messages, variables, traits);
      let from = 0;
      return texts.every((text) => {
        const at = rendered.indexOf(text, from);
        from = at + text.length;
        return at !== -1;
      });
    } catch {
      return false;
    }
  };
  const useOfTools = [user('first'), answer('', call), result('sunny'), answer('second'), user('third')];
  const mark = family.callMark === null ? [] : [family.callMark];
  const written = family.argumentForm === 'tags' ? ['<parameter=city>', 'Oslo'] : [probeArguments];
  const usesTools = (traits: TemplateTraits): boolean =>
    shows(useOfTools, ['first', ...mark, ...written, 'sunny', 'third'], withTools, traits) &&
    shows(useOfTools, [probeDescription], withTools, traits);
  const rawArguments = usesTools(all);
  const tools = rawArguments || usesTools({ ...all, rawArguments: false });
  const twoCalls = [user('first'), answer('', call, call), result('sunny'), result('rainy')];
  const base = { ...all, tools, rawArguments };
  const thinks = [
    [user('first'), thought('probed thought', answer('', call)), result('sunny')],
    [user('first'), thought('probed thought', answer('second'))],
  ];
  const reasoningField = reasoningFields.find((each) =>
    thinks.some((messages) => shows(messages, ['probed thought'], withTools, { ...base, reasoningField: each })),
  );
  const withThoughts = { ...base, reasoningField: reasoningField ?? all.reasoningField };
  const says = [user('first'), thought('probed thought', answer('second', call)), result('sunny')];
  const oddCall = { ...call, id: 'call_0123456789abcdef' };
  const oddIds = [user('first'), answer('', oddCall), { ...result('sunny'), tool_call_id: oddCall.id }];
  return {
    ...withThoughts,
    system: shows([system('rules'), user('first')], ['rules', 'first']),
    laterSystem: shows([user('first'), answer('second'), system('rules'), user('third')], ['second', 'rules', 'third']),
    neighbours: shows([user('first'), user('second')], ['first', 'second']),
    parallelCalls: !tools || shows(twoCalls, ['sunny', 'rainy'], withTools, base),
    textBesideReasoning: !tools || shows(says, ['first', 'sunny'], withTools, withThoughts),
    anyCallId: !tools || shows(oddIds, ['sunny'], withTools, base),
    toolChoice: shows([user('first')], ['probe_choice'], { ...withTools, toolChoice: 'probe_choice' }),
  };
}

/** A conversation in the pieces in which a chain would grow. */
export interface Probe {
  readonly system: string;
  readonly variables: TemplateVariables;
  readonly pieces: readonly (readonly ChatMessage[])[];
}

/** Conversations whose pieces must render to the same tokens as the whole, after every piece. */
export function concatenationProbes(traits: TemplateTraits): Probe[] {
  const conversations: (readonly ChatMessage[])[][] = [
    [[user('Hi')], [answer('Hello.')], [user('  Who?\n')], [answer('Me.\n')], [user('Ok')], [answer('Yes')]],
    [[user('Go')], [answer('', call)], [result('7')], [answer('Seven.')], [user('Thanks')], [answer('Sure')]],
    [[user('Go')], [answer('So:', call, call)], [result('1'), result('2')], [answer('', call)], [result('3')]],
    [[user('Go')], [thought('Hm.', answer('Yes'))], [user('Why')], [thought('Well.', answer('', call))], [result('4')]],
    [[user('One'), user('Two')], [answer('Three')], [system('Be brief.'), user('Four')], [answer('Five')]],
  ];
  return inVariants(traits, conversations);
}

/** Conversations of several rounds, for templates that write old ones otherwise: with reasoning, calls and reasoning's own marks, broken off. */
export function roundProbes(traits: TemplateTraits): Probe[] {
  const second: ChatToolCall = { ...call, id: 'call00002' };
  const marked: ChatToolCall = { ...call, function: { name: 'probe_weather', arguments: '{"city": "</think>"}' } };
  const rainy: ChatMessage = { role: 'tool', content: 'rainy', tool_call_id: 'call00002' };
  return inVariants(traits, [
    [
      [user('Go')],
      [thought('Hm.', answer('', call))],
      [result('7')],
      [thought('So.', answer('Look:', second))],
      [rainy],
      [thought('Done.', answer('Seven.'))],
      [user('Thanks')],
      [answer('Sure')],
      [user('Again')],
      [answer('', call)],
      [result('8')],
      [answer('Eight.')],
      [user('Bye')],
    ],
    [
      [user('Go')],
      [thought('Hm.', answer('Look:', call))],
      [result('7')],
      [user('Stop')],
      [thought('Well.', answer('Why?'))],
      [user('Because')],
      [thought('So.', answer('', call))],
      [result('9'), user('Well?')],
      [answer('', second)],
      [rainy],
      [answer('Nine.')],
      [user('Bye')],
    ],
    [
      [user('Go')],
      [answer('<think>Hm.</think>Look:', marked)],
      [result('<think>7</think>')],
      [answer('<think>Well.</think>', marked)],
      [result('8')],
      [answer('<think>So.</think>Seven.')],
      [user('<think>Thanks</think>')],
      [answer('', marked)],
      [result('9')],
      [answer('', marked)],
      [result('10')],
      [answer('Eight.</think>')],
      [user('Bye')],
    ],
    [[user('One'), answer('Two'), user('Three'), answer('', call), result('4')], [answer('Five')], [user('Six')]],
  ]);
}

function inVariants(traits: TemplateTraits, conversations: readonly Probe['pieces'][]): Probe[] {
  const variants = traits.system
    ? [
        { system: '', variables: plainVariables },
        { system: 'Be kind.', variables: withTools },
      ]
    : [
        { system: '', variables: plainVariables },
        { system: '', variables: withTools },
      ];
  return conversations.flatMap((pieces) => variants.map((variant) => ({ ...variant, pieces })));
}
