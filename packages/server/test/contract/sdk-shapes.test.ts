/** Everything that an engine can say, over every transport, held against the SDK's types (dossier C.2, L.2). */
import { errors, type OutputItem } from '@longwire/protocol';
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/engine.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { clientOf, model, untilOver } from '../stored/sdk.ts';
import { requireSdkEvent, requireSdkResponse } from './sdk-shapes.ts';
import { WireChecker } from './wire.ts';

const logprob = { token: 'a', bytes: [97], logprob: -0.1, top_logprobs: [{ token: 'b', bytes: [98], logprob: -2 }] };
const place = { start_index: 0, end_index: 1 };
const items: readonly OutputItem[] = [
  {
    type: 'local_shell_call',
    id: 'lsh_1',
    call_id: 'call_l',
    status: 'completed',
    action: { type: 'exec', command: ['ls'], env: {}, timeout_ms: null, working_directory: null },
  },
  {
    type: 'shell_call',
    id: '',
    call_id: 'call_s',
    status: 'completed',
    action: { commands: ['ls'], timeout_ms: null, max_output_length: null },
    environment: null,
  },
  {
    type: 'apply_patch_call',
    id: '',
    call_id: 'call_a',
    status: 'completed',
    operation: { type: 'update_file', path: 'a', diff: '+a' },
  },
  { type: 'tool_search_call', id: '', call_id: 'call_t', status: 'completed', execution: 'client', arguments: {} },
  {
    type: 'web_search_call',
    id: 'ws_1',
    status: 'completed',
    action: { type: 'search', query: 'q', queries: ['q'], sources: [{ type: 'url', url: 'https://example.com' }] },
  },
  { type: 'reasoning', id: '', summary: [{ type: 'summary_text', text: 'So.' }], encrypted_content: 'sealed' },
];
const events: readonly EngineEvent[] = [
  { type: 'reasoning_summary.delta', delta: 'One.' },
  { type: 'reasoning_summary.next' },
  { type: 'reasoning_summary.delta', delta: 'Two.' },
  { type: 'reasoning.delta', delta: 'Hm.' },
  { type: 'message.start', phase: 'commentary' },
  { type: 'text.delta', delta: 'a', logprobs: [logprob] },
  { type: 'annotation', annotation: { type: 'url_citation', ...place, title: 't', url: 'https://example.com' } },
  { type: 'annotation', annotation: { type: 'file_citation', file_id: 'f', filename: 'n', index: 0 } },
  {
    type: 'annotation',
    annotation: { type: 'container_file_citation', ...place, container_id: 'c', file_id: 'f', filename: 'n' },
  },
  { type: 'annotation', annotation: { type: 'file_path', file_id: 'f', index: 0 } },
  { type: 'refusal.delta', delta: 'No.' },
  { type: 'item.end' },
  { type: 'text.delta', delta: 'plain' },
  { type: 'call.start', kind: 'function', name: 'f', namespace: 'n', callId: 'call_f' },
  { type: 'call.delta', delta: '{}' },
  { type: 'call.start', kind: 'custom', name: 'c' },
  { type: 'call.delta', delta: 'x' },
  ...items.map((item): EngineEvent => ({ type: 'item', item })),
];
const itemTypes = [
  'reasoning',
  'message',
  'message',
  'function_call',
  'custom_tool_call',
  ...items.map(({ type }) => type),
];
const everything = {
  model,
  input: 'Hi.',
  instructions: 'Be brief.',
  include: ['reasoning.encrypted_content', 'message.output_text.logprobs', 'web_search_call.action.sources'],
  metadata: { a: 'b' },
  tools: [
    { type: 'function', name: 'f', parameters: null, strict: null },
    { type: 'custom', name: 'c' },
  ],
  tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
  text: { format: { type: 'json_object' } },
  reasoning: { effort: 'low' },
} satisfies ResponseCreateParamsNonStreaming;

describe('whatever an engine says is what the SDK expects', () => {
  const { engine } = createEchoEngine({ answer: () => events });

  it('over a socket, as the sum of its events', async () => {
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const checker = new WireChecker();
    for (const more of [{}, { stream_id: 'a', store: true }]) {
      socket.create({ ...everything, ...more });
      const frames = await socket.turn();
      for (const frame of frames) checker.accept(JSON.stringify(frame));
      const last = frames.at(-1);
      expect(last).toMatchObject({ response: { status: 'completed', output: itemTypes.map((type) => ({ type })) } });
      expect(new Set(frames.map(({ type }) => type)).size).toBeGreaterThan(20);
    }
  });

  it('over HTTP: as JSON, as a stream, read back, and in the background', async () => {
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const whole = await client.responses.create(everything);
    expect(whole.output.map(({ type }) => type)).toEqual(itemTypes);
    expect(await client.responses.retrieve(whole.id, { include: [...everything.include] })).toMatchObject({
      output: whole.output,
    });
    const seen: string[] = [];
    for await (const event of await client.responses.create({ ...everything, stream: true })) seen.push(event.type);
    expect(seen.at(-1)).toBe('response.completed');
    const late = await client.responses.create({ ...everything, background: true });
    expect((await untilOver(client, late.id)).output).toHaveLength(itemTypes.length);
  });

  it('when it is cut, steered, compacted, or fails', async () => {
    let turn = 0;
    const never = new Promise<void>(() => {});
    const busy = createEchoEngine({
      answer: ({ purpose, settings }) => {
        if (settings.metadata['fail']) throw errors.engineUnavailable('Nobody is there.');
        return purpose === 'summary'
          ? [{ type: 'text.delta', delta: 'In short.' }]
          : [...events.slice(0, 6), ...(turn++ === 0 ? [] : [{ ...end, reason: 'max_output_tokens' as const }])];
      },
      hold: () => (turn === 1 ? never : undefined),
    });
    const end = {
      type: 'end',
      reason: 'stop',
      usage: { inputTokens: 1, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 },
    } as const;
    await using server = await startTestServer({ engines: [busy.engine] });
    using socket = await TestSocket.open(server.url);
    const checker = new WireChecker();
    const until = async (...types: string[]) => {
      for (;;) {
        const frame = await socket.next();
        checker.accept(JSON.stringify(frame));
        if (types.includes(frame.type)) return frame;
      }
    };
    socket.create({});
    const first = await until('response.created');
    const created = 'response' in first ? first.response.id : '';
    await until('response.output_text.delta');
    socket.send({ type: 'response.steer', previous_response_id: created, input: 'Shorter.' });
    await until('response.steer.accepted');
    await until('response.incomplete');
    await until('response.incomplete');
    socket.send({ type: 'response.steer', previous_response_id: created, input: 'Late.' });
    await until('response.steer.failed');
    socket.create({ input: [{ role: 'user', content: 'Hi.' }, { type: 'compaction_trigger' }] });
    await until('response.compaction.compacting');
    await until('response.completed');
    socket.create({ model: 'unknown' });
    await until('error');
    socket.create({ previous_response_id: null, metadata: { fail: 'yes' } });
    expect(await until('response.failed')).toMatchObject({ response: { error: { code: 'engine_unavailable' } } });
    expect(checker.openLanes).toEqual([]);
  });
});

describe('the check', () => {
  it('finds what is missing, of another type, or too much', () => {
    const event = {
      type: 'response.output_text.delta',
      delta: 1,
      item_id: 'm',
      output_index: 0,
      sequence_number: 1,
      x: 0,
    };
    expect(() => requireSdkEvent(event)).toThrow(/delta is 1 in place of string/);
    expect(() => requireSdkEvent(event)).toThrow(/logprobs is missing/);
    expect(() => requireSdkEvent(event)).toThrow(/event\.x is unknown/);
    expect(() => requireSdkEvent({ type: 'response.made_up' })).toThrow(/none of its types/);
    expect(() => requireSdkResponse({ object: 'response', usage: null })).toThrow(/response\.id is missing/);
  });
});
