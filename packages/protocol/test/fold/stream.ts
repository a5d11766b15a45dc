/** Random responses, and the stream of events that makes each one. */
import fc from 'fast-check';
import {
  createResponse,
  createUsage,
  type Logprob,
  type OutputItem,
  resolveSettings,
  type Response,
  type ServerEvent,
} from '../../src/index.ts';

/** An item, the empty form in which it is announced, and the events between. */
interface Played {
  readonly item: OutputItem;
  readonly added: OutputItem;
  readonly events: readonly Record<string, unknown>[];
}

export interface Stream {
  readonly response: Response;
  readonly events: readonly ServerEvent[];
}

/** A text in pieces; never none, as a stream has at least one delta. */
const pieces = fc.array(fc.string({ maxLength: 6, unit: 'grapheme' }), { minLength: 1, maxLength: 4 });
const id = fc.uuid();
const status = 'completed' as const;
const annotation = fc.record({
  type: fc.constant('file_path' as const),
  file_id: fc.string({ maxLength: 4 }),
  index: fc.nat(9),
});
const logprob = fc.record({
  token: fc.string({ maxLength: 2 }),
  bytes: fc.array(fc.nat(255), { maxLength: 2 }),
  logprob: fc.constant(-0.5),
  top_logprobs: fc.constant<Logprob['top_logprobs']>([]),
});

const textPart = fc
  .tuple(
    fc.array(
      fc.tuple(
        pieces.map((all) => all.join('')),
        fc.array(logprob, { maxLength: 2 }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
    fc.array(annotation, { maxLength: 2 }),
  )
  .map(([deltas, annotations]) => {
    const text = deltas.map(([delta]) => delta).join('');
    const logprobs = deltas.flatMap(([, of]) => of);
    return {
      part: { type: 'output_text' as const, text, annotations, logprobs },
      blank: { type: 'output_text', text: '', annotations: [], logprobs: [] },
      events: [
        ...deltas.map(([delta, of]) => ({ type: 'response.output_text.delta', delta, logprobs: of })),
        ...annotations.map((one, annotation_index) => ({
          type: 'response.output_text.annotation.added',
          annotation: one,
          annotation_index,
        })),
        { type: 'response.output_text.done', text, logprobs },
      ],
    };
  });

const refusalPart = pieces.map((deltas) => ({
  part: { type: 'refusal' as const, refusal: deltas.join('') },
  blank: { type: 'refusal', refusal: '' },
  events: [
    ...deltas.map((delta) => ({ type: 'response.refusal.delta', delta })),
    { type: 'response.refusal.done', refusal: deltas.join('') },
  ],
}));

const message = fc.tuple(id, fc.array(fc.oneof(textPart, refusalPart), { maxLength: 3 })).map(([id, parts]): Played => {
  const base = { id, type: 'message', role: 'assistant' } as const;
  return {
    item: { ...base, status, content: parts.map(({ part }) => part) },
    added: { ...base, status: 'in_progress', content: [] },
    events: parts.flatMap(({ part, blank, events }, content_index) =>
      [
        { type: 'response.content_part.added', part: blank },
        ...events,
        { type: 'response.content_part.done', part },
      ].map((event) => ({ ...event, content_index })),
    ),
  };
});

const reasoning = fc
  .tuple(id, fc.array(pieces, { maxLength: 2 }), fc.array(pieces, { maxLength: 2 }))
  .map(([id, summaries, texts]): Played => {
    const summary = summaries.map((deltas) => ({ type: 'summary_text' as const, text: deltas.join('') }));
    const content = texts.map((deltas) => ({ type: 'reasoning_text' as const, text: deltas.join('') }));
    const item: OutputItem = { id, type: 'reasoning', summary };
    return {
      item: content.length > 0 ? { ...item, content } : item,
      added: { ...item, summary: [] },
      events: [
        ...summaries.flatMap((deltas, summary_index) => [
          { type: 'response.reasoning_summary_part.added', summary_index, part: { type: 'summary_text', text: '' } },
          ...deltas.map((delta) => ({ type: 'response.reasoning_summary_text.delta', summary_index, delta })),
          { type: 'response.reasoning_summary_text.done', summary_index, text: deltas.join('') },
          { type: 'response.reasoning_summary_part.done', summary_index, part: summary[summary_index] },
        ]),
        ...texts.flatMap((deltas, content_index) => [
          { type: 'response.content_part.added', content_index, part: { type: 'reasoning_text', text: '' } },
          ...deltas.map((delta) => ({ type: 'response.reasoning_text.delta', content_index, delta })),
          { type: 'response.reasoning_text.done', content_index, text: deltas.join('') },
          { type: 'response.content_part.done', content_index, part: content[content_index] },
        ]),
      ],
    };
  });

/** Items of one growing string. */
function written(make: (id: string, text: string) => OutputItem, event: string, field: string) {
  return fc.tuple(id, pieces).map(([id, deltas]): Played => {
    const text = deltas.join('');
    return {
      item: make(id, text),
      added: { ...make(id, ''), status: 'in_progress' } as OutputItem,
      events: [
        ...deltas.map((delta) => ({ type: `response.${event}.delta`, delta })),
        { type: `response.${event}.done`, [field]: text },
      ],
    };
  });
}

const functionCall = written(
  (id, text) => ({ id, type: 'function_call', call_id: `call_${id}`, name: 'f', arguments: text, status }),
  'function_call_arguments',
  'arguments',
);
const customToolCall = written(
  (id, input) => ({ id, type: 'custom_tool_call', call_id: `call_${id}`, name: 'f', input, status }),
  'custom_tool_call_input',
  'input',
);
const mcpCall = written(
  (id, text) => ({ id, type: 'mcp_call', server_label: 's', name: 'f', arguments: text, status }),
  'mcp_call_arguments',
  'arguments',
);
const codeInterpreterCall = written(
  (id, code) => ({ id, type: 'code_interpreter_call', container_id: 'c', code, outputs: null, status }),
  'code_interpreter_call_code',
  'code',
);

const shellCall = fc.tuple(id, fc.array(pieces, { minLength: 1, maxLength: 3 })).map(([id, all]): Played => {
  const commands = all.map((deltas) => deltas.join(''));
  const action = { max_output_length: null, timeout_ms: null };
  const base = { id, type: 'shell_call', call_id: `call_${id}`, environment: null } as const;
  return {
    item: { ...base, status, action: { ...action, commands } },
    added: { ...base, status: 'in_progress', action: { ...action, commands: [] } },
    events: all.flatMap((deltas, command_index) => [
      { type: 'response.shell_call_command.added', command_index, command: '' },
      ...deltas.map((delta) => ({ type: 'response.shell_call_command.delta', command_index, delta })),
      { type: 'response.shell_call_command.done', command_index, command: commands[command_index] },
    ]),
  };
});

const shellCallOutput = fc
  .tuple(id, fc.array(fc.tuple(pieces, pieces), { maxLength: 3 }))
  .map(([id, printed]): Played => {
    const outcome = { type: 'exit' as const, exit_code: 0 };
    const output = printed.map(([out, err]) => ({ stdout: out.join(''), stderr: err.join(''), outcome }));
    const base = { id, type: 'shell_call_output', call_id: `call_${id}`, max_output_length: null } as const;
    return {
      item: { ...base, status, output },
      added: { ...base, status: 'in_progress', output: [] },
      events: printed.flatMap(([out, err], command_index) => [
        ...out.map((stdout) => ({
          type: 'response.shell_call_output_content.delta',
          command_index,
          delta: { stdout },
        })),
        ...err.map((stderr) => ({
          type: 'response.shell_call_output_content.delta',
          command_index,
          delta: { stderr },
        })),
        { type: 'response.shell_call_output_content.done', command_index, output: [output[command_index]] },
      ]),
    };
  });

const webSearchCall = id.map((id): Played => {
  const base = { id, type: 'web_search_call', action: { type: 'search', query: 'q' } } as const;
  const states = ['in_progress', 'searching', 'completed'];
  return {
    item: { ...base, status },
    added: { ...base, status: 'in_progress' },
    events: states.map((state) => ({ type: `response.web_search_call.${state}` })),
  };
});

const whole = id.map((id): Played => {
  const item: OutputItem = { id, type: 'compaction', encrypted_content: 'sealed' };
  return { item, added: { ...item, encrypted_content: '' }, events: [{ type: 'response.compaction.compacting' }] };
});

const played = fc.oneof(
  message,
  reasoning,
  functionCall,
  customToolCall,
  mcpCall,
  codeInterpreterCall,
  shellCall,
  shellCallOutput,
  webSearchCall,
  whole,
);

/** A response of some items, and its stream: bracketed and numbered as the protocol asks (dossier C.2). */
export const arbitraryStream: fc.Arbitrary<Stream> = fc.array(played, { maxLength: 5 }).map((items) => {
  const settings = resolveSettings({ input: [], metadata: { a: 'b' } });
  const created = createResponse({ id: 'resp_1', createdAt: 1, model: 'm', settings });
  const response: Response = {
    ...created,
    status: 'completed',
    completed_at: 2,
    output: items.map(({ item }) => item),
    usage: createUsage({ inputTokens: 3, cachedTokens: 1, outputTokens: 2, reasoningTokens: 0 }),
  };
  const events = [
    { type: 'response.created', response: created },
    { type: 'response.in_progress', response: created },
    ...items.flatMap(({ item, added, events }, output_index) =>
      [
        { type: 'response.output_item.added', item: added },
        ...events.map((event) => ({ ...event, item_id: item['id'] })),
        { type: 'response.output_item.done', item },
      ].map((event) => ({ ...event, output_index })),
    ),
    { type: 'response.completed', response },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
  return { response, events: structuredClone(events) as unknown as ServerEvent[] };
});
