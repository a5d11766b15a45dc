import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../../src/engine/engine.ts';
import { readCaptures, readExchanges } from '../../../../protocol/test/frames.ts';
import { UpstreamErrors } from '../../../src/engine/http/errors.ts';
import { ResponseDecoder } from '../../../src/engine/openai-responses/stream.ts';
import type { UpstreamEvent } from '../../../src/engine/openai-responses/wire.ts';
import { textOf, toOutput } from './chain.ts';

function createDecoder(sealedReasoning = false): ResponseDecoder {
  return new ResponseDecoder({ errors: new UpstreamErrors('up', []), model: 'm', sealedReasoning });
}

function decode(events: readonly UpstreamEvent[]): EngineEvent[] {
  return createDecoder().push(events);
}

const completed: UpstreamEvent = { type: 'response.completed', response: { id: 'r', status: 'completed' } };
const message = { type: 'message', content: [{ type: 'output_text', text: 'Hello.' }] };

describe('a stream', () => {
  it.each<[string, UpstreamEvent[]]>([
    [
      'without indexes',
      [
        { type: 'response.output_item.added', item: { type: 'message' } },
        { type: 'response.output_text.delta', delta: 'Hel' },
        { type: 'response.output_text.delta', delta: 'lo.' },
        { type: 'response.output_item.done', item: message },
        completed,
      ],
    ],
    ['without brackets', [{ type: 'response.output_text.delta', delta: 'Hello.' }, completed]],
    ['without deltas', [{ type: 'response.output_item.done', output_index: 0, item: message }, completed]],
    ['of one event', [{ type: 'response.completed', response: { id: 'r', status: 'completed', output: [message] } }]],
    [
      'with events of a vendor',
      [
        { type: 'codex.rate_limits' },
        { type: 'response.output_text.delta', delta: 'Hello.' },
        { type: 'keepalive' },
        completed,
      ],
    ],
  ])('%s says all', (_what, events) => {
    expect(textOf(decode(events))).toBe('Hello.');
    expect(decode(events).at(-1)).toMatchObject({ type: 'end', reason: 'stop' });
  });

  it('of items that overlap is told one after another', () => {
    const call = (id: string) => ({ type: 'function_call', call_id: id, name: 'f', arguments: `{"${id}":1}` });
    const events = decode([
      { type: 'response.output_item.added', output_index: 0, item: { ...call('a'), arguments: '' } },
      { type: 'response.output_item.added', output_index: 1, item: { ...call('b'), arguments: '' } },
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"b"' },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a":1}' },
      { type: 'response.output_item.done', output_index: 1, item: call('b') },
      { type: 'response.output_item.done', output_index: 0, item: call('a') },
      completed,
    ]);
    expect(toOutput(events)).toMatchObject([
      { call_id: 'a', arguments: '{"a":1}' },
      { call_id: 'b', arguments: '{"b":1}' },
    ]);
  });

  it('tells whole what has no deltas, and calls that only their item describes', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
    const late = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}', async: true };
    const events = decode([
      { type: 'response.output_item.added', output_index: 0, item: search },
      { type: 'response.web_search_call.completed', output_index: 0 },
      { type: 'response.output_item.done', output_index: 0, item: search },
      { type: 'response.output_item.added', output_index: 1, item: late },
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{}' },
      { type: 'response.output_item.done', output_index: 1, item: late },
      completed,
    ]);
    expect(events.slice(0, 2)).toEqual([
      { type: 'item', item: search },
      { type: 'item', item: { ...late, id: '' } },
    ]);
  });

  const citation = {
    type: 'url_citation',
    start_index: 0,
    end_index: 5,
    title: 't',
    url: 'https://example.com',
  } as const;
  const cited = {
    type: 'message',
    phase: 'commentary',
    content: [{ type: 'output_text', text: 'Hello.', annotations: [citation] }],
  };

  it.each<[string, UpstreamEvent[]]>([
    ['whole', [{ type: 'response.output_item.done', output_index: 0, item: cited }, completed]],
    [
      'as they come',
      [
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { type: 'message', phase: 'commentary', content: [] },
        },
        { type: 'response.output_text.delta', output_index: 0, delta: 'Hello.' },
        { type: 'response.output_text.annotation.added', output_index: 0, annotation: citation },
        { type: 'response.output_item.done', output_index: 0, item: cited },
        completed,
      ],
    ],
    [
      'with text that only the item has',
      [
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { type: 'message', phase: 'commentary', content: [] },
        },
        { type: 'response.output_text.annotation.added', output_index: 0, annotation: citation },
        { type: 'response.output_item.done', output_index: 0, item: cited },
        completed,
      ],
    ],
  ])('keeps the phase and the sources of a message: %s', (_what, events) => {
    expect(decode(events).slice(0, -1)).toEqual([
      { type: 'message.start', phase: 'commentary' },
      { type: 'text.delta', delta: 'Hello.' },
      { type: 'annotation', annotation: citation },
      { type: 'item.end' },
    ]);
  });

  it('keeps the parts of a summary apart', () => {
    const events = decode([
      { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', summary: [] } },
      { type: 'response.reasoning_summary_part.added', output_index: 0 },
      { type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'One.' },
      { type: 'response.reasoning_summary_part.added', output_index: 0 },
      { type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'Two.' },
      { type: 'response.output_item.done', output_index: 0, item: { type: 'reasoning' } },
      completed,
    ]);
    expect(events.slice(0, -1)).toEqual([
      { type: 'reasoning_summary.delta', delta: 'One.' },
      { type: 'reasoning_summary.next' },
      { type: 'reasoning_summary.delta', delta: 'Two.' },
      { type: 'item.end' },
    ]);
  });

  it.each([
    ['max_output_tokens', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ])('cut by %s', (reason, expected) => {
    const response = { id: 'r', status: 'incomplete', incomplete_details: { reason } };
    expect(decode([{ type: 'response.incomplete', response }]).at(-1)).toMatchObject({ reason: expected });
  });

  it('that came whole, as JSON', () => {
    const decoder = createDecoder();
    const events = decoder.pushWhole(JSON.stringify({ id: 'r', status: 'completed', output: [message] }));
    expect(textOf(events)).toBe('Hello.');
    const broken = createDecoder();
    broken.pushWhole('<html>');
    expect(broken.failure?.entry).toBe('engine_unavailable');
  });
});

describe('recorded streams', () => {
  const recorded = [...readExchanges(), ...readCaptures()].map(({ name, received }): [string, UpstreamEvent[]] => [
    name,
    received as unknown as UpstreamEvent[],
  ]);

  it.each(recorded)('%s: every response comes out as its own items', (_name, events) => {
    const { told, meant } = replay(events);
    expect(told.length).toBeGreaterThan(0);
    expect(told).toEqual(meant);
  });
});

/** What the decoder tells of each response, and what the response itself holds: types of items, and all text. */
function replay(events: readonly UpstreamEvent[]): { told: string[]; meant: string[] } {
  const told: string[] = [];
  const meant: string[] = [];
  let decoder = createDecoder(true);
  let batch: EngineEvent[] = [];
  for (const event of events) {
    batch.push(...decoder.push([event]));
    if (!decoder.done && !decoder.failure) continue;
    const output = event.response?.output ?? decoder.items;
    const ending = decoder.failure ? [decoder.failure.entry] : output.map(({ type }) => type);
    const texts = output.flatMap(({ type, content }) => (type === 'message' ? (content ?? []) : []));
    meant.push([...ending, texts.map(({ text }) => text).join('')].join(' '));
    const items = decoder.failure ? ending : toOutput(batch).map(({ type }) => type);
    told.push([...items, textOf(batch)].join(' '));
    decoder = createDecoder(true);
    batch = [];
  }
  return { told, meant };
}
