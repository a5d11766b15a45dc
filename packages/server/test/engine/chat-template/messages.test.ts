import { ProtocolError } from '@longwire/protocol';
import type { Item, Tool } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { toChatMessages } from '../../../src/engine/chat-template/messages.ts';
import { toCallTargets, toChatTools } from '../../../src/engine/chat-template/tools.ts';
import { assistant, developer, output, user, weatherTool } from '../token-chain/turns.ts';

const functionCall = (callId: string, name: string): Item => ({
  type: 'function_call',
  call_id: callId,
  name,
  arguments: '{"a": 1}',
});
const chatCall = (id: string, name: string, args = '{"a": 1}') => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

describe('toChatMessages', () => {
  it.each<[string, Item[], unknown]>([
    ['nothing', [], []],
    [
      'roles',
      [developer('rules'), user('hi'), assistant('ho')],
      [
        { role: 'system', content: 'rules' },
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'ho' },
      ],
    ],
    [
      'parts',
      [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'a' },
            { type: 'input_text', text: 'b' },
          ],
        },
      ],
      [{ role: 'user', content: 'ab' }],
    ],
    [
      'what a model says in one go',
      [
        { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
        assistant('see'),
        functionCall('1', 'f'),
        functionCall('2', 'g'),
        output('1', 'x'),
        output('2', 'y'),
      ],
      [
        {
          role: 'assistant',
          content: 'see',
          reasoning_content: 'hm',
          tool_calls: [chatCall('1', 'f'), chatCall('2', 'g')],
        },
        { role: 'tool', content: 'x', tool_call_id: '1' },
        { role: 'tool', content: 'y', tool_call_id: '2' },
      ],
    ],
    [
      'text behind a call as another message',
      [functionCall('1', 'f'), assistant('done')],
      [
        { role: 'assistant', content: '', tool_calls: [chatCall('1', 'f')] },
        { role: 'assistant', content: 'done' },
      ],
    ],
    [
      'custom tools and namespaces',
      [
        { type: 'custom_tool_call', call_id: '1', name: 'patch', input: 'a"\n' },
        { type: 'custom_tool_call_output', call_id: '1', output: [{ type: 'input_text', text: 'ok' }] },
        { type: 'function_call', call_id: '2', name: 'read', namespace: 'files', arguments: '{}' },
      ],
      [
        { role: 'assistant', content: '', tool_calls: [chatCall('1', 'patch', '{"input": "a\\"\\n"}')] },
        { role: 'tool', content: 'ok', tool_call_id: '1' },
        { role: 'assistant', content: '', tool_calls: [chatCall('2', 'files__read', '{}')] },
      ],
    ],
    ['nothing of hosted tools', [{ type: 'web_search_call', id: 'ws', status: 'completed' }], []],
  ])('makes %s', (_, items, expected) => {
    expect(toChatMessages(items)).toEqual(expected);
  });

  it('refuses what a text model cannot read', () => {
    const image: Item = {
      type: 'message',
      role: 'user',
      content: [{ type: 'input_image', detail: 'auto', image_url: 'data:image/png;base64,AA==' }],
    };
    expect(() => toChatMessages([image])).toThrow(ProtocolError);
    expect(() => toChatMessages([{ type: 'compaction', encrypted_content: 'sealed' }])).toThrow(ProtocolError);
  });
});

describe('tools', () => {
  const tools: Tool[] = [
    weatherTool,
    { type: 'custom', name: 'patch', description: 'Patches' },
    { type: 'namespace', name: 'files', description: 'Files', tools: [{ type: 'function', name: 'read' }] },
    { type: 'web_search' },
  ];

  it('are shown as functions, hosted ones left out', () => {
    expect(toChatTools(tools).map((tool) => tool.function.name)).toEqual(['get_weather', 'patch', 'files__read']);
    expect(toChatTools(tools)[1]?.function.parameters).toMatchObject({ required: ['input'] });
  });

  it('are found again by the names of calls', () => {
    expect([...toCallTargets(tools)]).toEqual([
      [
        'get_weather',
        {
          kind: 'function',
          name: 'get_weather',
          parameters: expect.objectContaining({ type: 'object' }),
          isStrict: true,
        },
      ],
      ['patch', { kind: 'custom', name: 'patch' }],
      ['files__read', { kind: 'function', name: 'read', namespace: 'files' }],
    ]);
  });
});
