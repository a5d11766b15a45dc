import type { InputItem, Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { sealTurn } from '../../../src/engine/chat/open-turn.ts';
import { toChatMessages, type Dialect } from '../../../src/engine/chat/messages.ts';

const dialect: Dialect = { developerRole: 'system', reasoningField: 'reasoning_content' };

function messagesOf(items: readonly Item[], changes: Partial<Dialect> = {}): unknown[] {
  const { messages, open } = toChatMessages(null, items, { ...dialect, ...changes });
  return [...messages, ...(open ? sealTurn(open) : [])];
}

const call = (id: string, name = 'f', args = '{}'): Item => ({
  type: 'function_call',
  call_id: id,
  name,
  arguments: args,
});
const output = (id: string, text: string): Item => ({ type: 'function_call_output', call_id: id, output: text });
const user = (text: string): Item => ({ type: 'message', role: 'user', content: text });
const image = (url: string) => ({ type: 'input_image' as const, image_url: url, detail: 'high' as const });

describe('messages', () => {
  it('keep their roles, developer as system unless told otherwise', () => {
    const items: Item[] = [
      { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'a' },
          { type: 'input_text', text: 'b' },
        ],
      },
    ];
    expect(messagesOf(items)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'a\nb' },
    ]);
    expect(messagesOf(items, { developerRole: 'developer' })[0]).toEqual({ role: 'developer', content: 'Be brief.' });
  });

  it('carry images and inline files', () => {
    const content = [
      { type: 'input_text' as const, text: 'Look' },
      image('data:image/png;base64,AA=='),
      { type: 'input_file' as const, file_data: 'data:,x', filename: 'x.txt' },
    ];
    expect(messagesOf([{ type: 'message', role: 'user', content }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'high' } },
          { type: 'file', file: { file_data: 'data:,x', filename: 'x.txt' } },
        ],
      },
    ]);
  });

  it('refuse images that only another server could open, and say which', () => {
    const items: Item[] = [
      user('x'),
      { type: 'message', role: 'user', content: [{ type: 'input_image', file_id: 'f' }] },
    ];
    expect(() => messagesOf(items)).toThrow(expect.objectContaining({ param: 'input[1].content[0]', status: 400 }));
  });
});

describe("an assistant's turn", () => {
  it('is one message of reasoning, text and calls', () => {
    const items: Item[] = [
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.', annotations: [] }] },
      call('c1', 'get_weather', '{"city": "Oslo"}'),
      call('c2'),
      output('c1', 'rain'),
      output('c2', 'sun'),
    ];
    expect(messagesOf(items)).toEqual([
      {
        role: 'assistant',
        content: 'I look.',
        reasoning_content: 'Hm.',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city": "Oslo"}' } },
          { id: 'c2', type: 'function', function: { name: 'f', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      { role: 'tool', tool_call_id: 'c2', content: 'sun' },
    ]);
    expect(messagesOf(items, { reasoningField: 'reasoning' })[0]).toMatchObject({ reasoning: 'Hm.' });
    expect(messagesOf(items, { reasoningField: null })[0]).not.toHaveProperty('reasoning_content');
  });

  it('without text has null content; reasoning alone is no message', () => {
    expect(messagesOf([call('c1')])[0]).toMatchObject({ content: null });
    const thought: Item = { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] };
    expect(messagesOf([thought, user('x')])).toEqual([{ role: 'user', content: 'x' }]);
  });

  it('leaves out reasoning that only its maker can open', () => {
    const sealed: Item = {
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: 's' }],
      encrypted_content: 'abc',
    };
    const said: Item = { type: 'message', role: 'assistant', content: 'Hi' };
    expect(messagesOf([sealed, said])).toEqual([{ role: 'assistant', content: 'Hi' }]);
  });

  it.each([
    ['', '{}'],
    ['{"a', '{"invalid_arguments":"{\\"a"}'],
    ['[1]', '{"invalid_arguments":"[1]"}'],
    ['{"a": 1}', '{"a": 1}'],
  ])('carries the arguments %j as %j: servers parse them on every turn', (args, sent) => {
    expect(messagesOf([call('c', 'f', args)])).toMatchObject([{ tool_calls: [{ function: { arguments: sent } }] }]);
  });
});

describe('tools', () => {
  it('of the custom kind and in namespaces become functions', () => {
    const items: Item[] = [
      { type: 'custom_tool_call', call_id: 'c1', name: 'apply', input: 'a "b"\n' },
      { type: 'function_call', call_id: 'c2', name: 'spawn', namespace: 'agents', arguments: '{}' },
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'ok' },
      output('c2', 'ok'),
    ];
    expect(messagesOf(items)[0]).toMatchObject({
      tool_calls: [
        { id: 'c1', function: { name: 'apply', arguments: '{"input":"a \\"b\\"\\n"}' } },
        { id: 'c2', function: { name: 'agents__spawn' } },
      ],
    });
  });

  it('that the client runs become functions too', () => {
    const items: Item[] = [
      {
        type: 'local_shell_call',
        id: 'l1',
        call_id: 'l1',
        action: { type: 'exec', command: ['ls'], env: {}, timeout_ms: null },
      },
      { type: 'local_shell_call_output', id: 'l1', output: 'a.txt' },
      { type: 'shell_call', call_id: 's1', action: { commands: ['pwd'], timeout_ms: 5 } },
      {
        type: 'shell_call_output',
        call_id: 's1',
        output: [{ stdout: '/', stderr: '', outcome: { type: 'exit', exit_code: 0 } }],
      },
      { type: 'apply_patch_call', call_id: 'p1', operation: { type: 'delete_file', path: 'x' } },
      { type: 'apply_patch_call_output', call_id: 'p1', status: 'failed', output: 'no such file' },
      { type: 'tool_search_call', call_id: 't1', execution: 'client', arguments: { query: 'q' } },
      {
        type: 'tool_search_output',
        call_id: 't1',
        execution: 'client',
        tools: [{ type: 'namespace', name: 'ns', description: '', tools: [{ type: 'function', name: 'f' }] }],
      },
    ];
    const said = messagesOf(items) as { tool_calls?: { function: unknown }[]; content: unknown }[];
    expect(said.flatMap((each) => each.tool_calls ?? []).map((each) => each.function)).toEqual([
      { name: 'local_shell', arguments: '{"command":["ls"]}' },
      { name: 'shell', arguments: '{"commands":["pwd"],"timeout_ms":5}' },
      { name: 'apply_patch', arguments: '{"type":"delete_file","path":"x"}' },
      { name: 'tool_search', arguments: '{"query":"q"}' },
    ]);
    expect(said.filter((each) => !each.tool_calls).map((each) => each.content)).toEqual([
      'a.txt',
      '[{"stdout":"/","stderr":"","outcome":{"type":"exit","exit_code":0}}]',
      'failed: no such file',
      'Tools available now: ns__f',
    ]);
  });

  it('that answer with images have them shown after the last output of their run', () => {
    const items: Item[] = [
      call('c1'),
      call('c2'),
      { type: 'function_call_output', call_id: 'c1', output: [image('data:,1')] },
      output('c2', 'text'),
      user('So?'),
    ];
    expect(messagesOf(items).slice(1)).toEqual([
      { role: 'tool', tool_call_id: 'c1', content: 'The output follows in the next message.' },
      { role: 'tool', tool_call_id: 'c2', content: 'text' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Output of the tool call c1:' },
          { type: 'image_url', image_url: { url: 'data:,1', detail: 'high' } },
        ],
      },
      { role: 'user', content: 'So?' },
    ]);
  });
});

describe('items without a form on this wire', () => {
  it('are left out where another server did the work', () => {
    const items = [
      { type: 'additional_tools', role: 'developer', tools: [] },
      { type: 'web_search_call', id: 'ws', status: 'completed', action: { type: 'search', query: 'q' } },
      { type: 'configuration_update', reasoning: { effort: 'low' } },
    ] as Item[];
    expect(messagesOf([...items, user('x')])).toEqual([{ role: 'user', content: 'x' }]);
  });

  it.each(['compaction', 'compaction_trigger', 'item_reference', 'computer_call', 'acme:thing'])(
    'are refused by name: %s',
    (type) => {
      const item = { type, id: 'x', encrypted_content: 'x' } as unknown as InputItem as Item;
      expect(() => messagesOf([user('x'), item])).toThrow(
        expect.objectContaining({
          entry: 'unsupported_value',
          param: 'input[1].type',
          message: expect.stringContaining(type),
        }),
      );
    },
  );
});
