import type { Tool, ToolChoice } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { toClientItem } from '../../../src/engine/chat/client-tools.ts';
import { toChatToolChoice } from '../../../src/engine/chat/tool-choice.ts';
import { toChatName } from '../../../src/engine/chat/tool-names.ts';
import { toToolTable } from '../../../src/engine/chat/tools.ts';

const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const weather: Tool = { type: 'function', name: 'get_weather', description: 'Weather', parameters, strict: false };
const patch: Tool = {
  type: 'custom',
  name: 'apply_patch',
  description: 'Edits files.',
  format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
};
const agents: Tool = {
  type: 'namespace',
  name: 'agents',
  description: 'Agents',
  tools: [
    { type: 'function', name: 'spawn', parameters, strict: true },
    { type: 'custom', name: 'exec' },
  ],
};

describe('names', () => {
  it('are flat, and the same for the same tool', () => {
    expect(toChatName('f')).toBe('f');
    expect(toChatName('f', 'ns')).toBe('ns__f');
    expect(toChatName('f', null)).toBe('f');
  });

  it('that servers refuse are replaced and stay apart', () => {
    const long = 'x'.repeat(70);
    const names = [toChatName('a.b'), toChatName('a b'), toChatName(long), toChatName(`${long}y`)];
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(new Set(names).size).toBe(4);
    expect(toChatName('a.b')).toBe(names[0]);
  });
});

describe('the table of tools', () => {
  it('carries functions, custom tools and namespaces', () => {
    const table = toToolTable([weather, patch, agents]);
    expect([...table.keys()]).toEqual(['get_weather', 'apply_patch', 'agents__spawn', 'agents__exec']);
    expect(table.get('get_weather')?.chat).toEqual({
      type: 'function',
      function: { name: 'get_weather', description: 'Weather', parameters },
    });
    expect(table.get('agents__spawn')).toMatchObject({
      chat: { function: { name: 'agents__spawn', strict: true } },
      origin: { kind: 'function', name: 'spawn', namespace: 'agents' },
    });
    expect(table.get('apply_patch')?.chat.function).toMatchObject({
      description: 'Edits files.\n\nThe input must follow this lark grammar:\nstart: "x"',
      parameters: { properties: { input: { type: 'string' } }, required: ['input'] },
    });
  });

  it('leaves out what runs on no chat server', () => {
    const hosted: Tool[] = [
      { type: 'web_search' },
      { type: 'image_generation' },
      { type: 'tool_search' },
      { type: 'shell', environment: { type: 'container_auto' } },
      { type: 'acme:tool' },
    ];
    expect(toToolTable([...hosted, weather]).size).toBe(1);
  });

  it('carries what the client runs itself', () => {
    const tools: Tool[] = [
      { type: 'local_shell' },
      { type: 'shell', environment: { type: 'local' } },
      { type: 'apply_patch' },
      { type: 'tool_search', execution: 'client', description: 'Find tools', parameters },
    ];
    const table = toToolTable(tools);
    expect([...table.keys()]).toEqual(['local_shell', 'shell', 'apply_patch', 'tool_search']);
    expect(table.get('tool_search')?.chat.function).toEqual({
      name: 'tool_search',
      description: 'Find tools',
      parameters,
    });
  });

  it('takes the later of two definitions, in the earlier place', () => {
    const table = toToolTable([weather, patch, { ...weather, description: 'New' } as Tool]);
    expect([...table.keys()]).toEqual(['get_weather', 'apply_patch']);
    expect(table.get('get_weather')?.chat.function.description).toBe('New');
  });

  it('refuses two tools that the model could not tell apart', () => {
    const twin: Tool = { type: 'function', name: 'agents__spawn' };
    expect(() => toToolTable([agents, twin])).toThrow(
      expect.objectContaining({ entry: 'invalid_value', param: 'tools' }),
    );
  });
});

const named = (name: string) => ({ type: 'function', function: { name } });

describe('tool_choice', () => {
  const table = toToolTable([weather, patch, agents, { type: 'shell', environment: { type: 'local' } }]);

  it.each<[ToolChoice, unknown]>([
    ['auto', 'auto'],
    ['none', 'none'],
    ['required', 'required'],
    [{ type: 'function', name: 'get_weather' }, named('get_weather')],
    [{ type: 'function', name: 'spawn' }, named('agents__spawn')],
    [{ type: 'custom', name: 'apply_patch' }, named('apply_patch')],
    [{ type: 'shell' }, named('shell')],
  ])('%j', (choice, sent) => {
    expect(toChatToolChoice(choice, table).choice).toEqual(sent);
    expect(toChatToolChoice(choice, table).tools).toHaveLength(5);
  });

  it('of some allowed tools sends only those', () => {
    const choice: ToolChoice = {
      type: 'allowed_tools',
      mode: 'required',
      tools: [
        { type: 'function', name: 'get_weather' },
        { type: 'namespace', name: 'agents' },
      ],
    };
    const sent = toChatToolChoice(choice, table);
    expect(sent.choice).toBe('required');
    expect(sent.tools.map((tool) => tool.function.name)).toEqual(['get_weather', 'agents__spawn', 'agents__exec']);
  });

  it.each<ToolChoice>([
    { type: 'function', name: 'unknown' },
    { type: 'custom', name: 'get_weather' },
    { type: 'image_generation' },
    { type: 'mcp', server_label: 's' },
    { type: 'web_search_preview' },
    { type: 'programmatic_tool_calling' },
    { type: 'apply_patch' },
    { type: 'allowed_tools', mode: 'required', tools: [] },
    { type: 'allowed_tools', mode: 'required', tools: [{ type: 'web_search' }] },
  ])('%j cannot be kept', (choice) => {
    expect(() => toChatToolChoice(choice, table)).toThrow(
      expect.objectContaining({ param: 'tool_choice', status: 400 }),
    );
  });

  it('of allowed tools that are not offered names the first one', () => {
    const tools = [
      { type: 'function', name: 'get_weather' },
      { type: 'function', name: 'spawned' },
    ];
    expect(() => toChatToolChoice({ type: 'allowed_tools', mode: 'auto', tools }, table)).toThrow(
      expect.objectContaining({ param: 'tool_choice.tools[1]', entry: 'unsupported_value' }),
    );
  });

  it('leaves out allowed tools that nobody here runs, as it leaves out the tools themselves', () => {
    const choice: ToolChoice = {
      type: 'allowed_tools',
      mode: 'auto',
      tools: [{ type: 'web_search' }, { type: 'mcp', server_label: 's' }, { type: 'shell' }],
    };
    expect(toChatToolChoice(choice, table)).toMatchObject({
      tools: [named('shell')],
      choice: 'auto',
    });
  });

  it('means the tool outside of namespaces, and wants to be told which of several', () => {
    const twin: Tool = { type: 'namespace', name: 'twins', description: '', tools: agents.tools };
    const twins = toToolTable([agents, twin]);
    const choice = { type: 'function', name: 'spawn' } as const;
    expect(() => toChatToolChoice(choice, twins)).toThrow(expect.objectContaining({ param: 'tool_choice' }));
    expect(toChatToolChoice({ ...choice, namespace: 'twins' } as ToolChoice, twins).choice).toEqual(
      named('twins__spawn'),
    );
    const plain = toToolTable([agents, twin, { type: 'function', name: 'spawn' }]);
    expect(toChatToolChoice(choice, plain).choice).toEqual(named('spawn'));
  });
});

describe('calls of tools that the client runs', () => {
  it('become its items', () => {
    expect(toClientItem('local_shell', '{"command":"ls","timeout_ms":5}', 'c')).toMatchObject({
      type: 'local_shell_call',
      id: 'c',
      call_id: 'c',
      action: { type: 'exec', command: ['ls'], env: {}, timeout_ms: 5 },
    });
    expect(toClientItem('shell', '{"commands":["ls"]}', 'c')).toMatchObject({
      type: 'shell_call',
      action: { commands: ['ls'], timeout_ms: null, max_output_length: null },
    });
    expect(toClientItem('apply_patch', '{"type":"update_file","path":"a","diff":"+x"}', 'c')).toMatchObject({
      type: 'apply_patch_call',
      operation: { type: 'update_file', path: 'a', diff: '+x' },
    });
    expect(toClientItem('tool_search', '{"query":"q"}', 'c')).toMatchObject({
      type: 'tool_search_call',
      execution: 'client',
      arguments: { query: 'q' },
    });
  });

  it.each([
    ['shell', '{"commands":[1]}'],
    ['local_shell', '{}'],
    ['apply_patch', '{"type":"update_file","path":"a"}'],
    ['apply_patch', '{"type":"move_file","path":"a","diff":""}'],
    ['tool_search', '[]'],
    ['shell', '{"comm'],
  ] as const)('%s %s is none of them', (type, args) => {
    expect(toClientItem(type, args, 'c')).toBeNull();
  });
});
