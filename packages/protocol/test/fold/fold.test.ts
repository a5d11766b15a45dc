import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldResponse, parseServerEvent, ResponseFold, type ServerEvent } from '../../src/index.ts';
import { thrownBy } from '../thrown.ts';
import { arbitraryStream, type Stream } from './stream.ts';

/** The stream without the events of some types. */
function without(events: readonly ServerEvent[], kind: RegExp): ServerEvent[] {
  return events.filter(({ type }) => !kind.test(type));
}

/** A terminal event that leaves out the output. */
function sparse(events: readonly ServerEvent[]): ServerEvent[] {
  return events.map((event) => {
    if (event.type !== 'response.completed') return event;
    const { output: _, ...response } = event.response;
    return { ...event, response } as unknown as ServerEvent;
  });
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

function objectsIn(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null) return found;
  found.add(value);
  for (const inner of Object.values(value)) objectsIn(inner, found);
  return found;
}

const statusless = (items: readonly object[]) => items.map((item) => ({ ...item, status: undefined }));

/** Compaction has no deltas: it comes with `done`. */
const isTold = ({ type }: { type: string }) => type !== 'compaction';

/** Runs `check` for many streams. */
function forAny(check: (stream: Stream) => void): void {
  fc.assert(fc.property(arbitraryStream, (stream) => check(stream)));
}

describe('any stream', () => {
  test('amounts to its response', () => {
    forAny(({ events, response }) => {
      expect(foldResponse(events)).toEqual(response);
    });
  });

  test('is made of events that a client can parse', () => {
    forAny(({ events }) => {
      for (const event of events) expect(parseServerEvent(JSON.stringify(event))).toEqual(event);
    });
  });

  test('amounts to it without the output in the terminal event', () => {
    forAny(({ events, response }) => {
      expect(foldResponse(sparse(events))).toEqual(response);
    });
  });

  test('amounts to it without any event that announces', () => {
    forAny(({ events, response }) => {
      expect(foldResponse(sparse(without(events, /\.added$/)))).toEqual(response);
    });
  });

  test('amounts to its output by its deltas alone, but for what only done events tell', () => {
    forAny(({ events, response }) => {
      const { output } = foldResponse(sparse(without(events, /\.done$/)));
      expect(statusless(output.filter(isTold))).toEqual(statusless(response.output.filter(isTold)));
    });
  });

  test('is neither changed nor kept: what was folded shares no item with it', () => {
    forAny(({ events }) => {
      const { output } = foldResponse(freeze(events));
      expect(objectsIn(output).intersection(objectsIn(events)).size).toBe(0);
    });
  });
});

const created = {
  type: 'response.created',
  sequence_number: 0,
  response: { id: 'resp_1', status: 'in_progress', output: [] },
};
const place = { item_id: 'a', output_index: 0 };

function fold(...events: object[]): ResponseFold {
  const result = new ResponseFold();
  for (const event of events) result.apply(event as ServerEvent);
  return result;
}

function done(output_index: number) {
  return { type: 'response.output_item.done', output_index, item: { type: 'slug:novelty', n: output_index } };
}

describe('a fold', () => {
  test('is empty before the first event', () => {
    expect(fold().response).toBeNull();
    expect(fold({ type: 'keepalive' }).response).toBeNull();
  });

  test('shows one and the same response growing', () => {
    const folding = fold(created);
    const { response } = folding;
    const delta = { type: 'response.output_text.delta', ...place, content_index: 0, delta: 'x', logprobs: [] };
    for (let i = 0; i < 3; i++) folding.apply(delta as unknown as ServerEvent);
    folding.apply(created as unknown as ServerEvent);
    expect(folding.response).toBe(response);
    expect(response?.output).toMatchObject([{ type: 'message', content: [{ text: 'xxx' }] }]);
    expect(folding.isTerminal).toBe(false);
  });

  test.each(['response.completed', 'response.incomplete', 'response.failed'])('ends with %s', (type) => {
    const response = { id: 'resp_1', status: 'whatever', usage: { total_tokens: 3 } };
    const folding = fold(
      created,
      { type, response },
      { type: 'response.output_item.added', output_index: 0, item: {} },
    );
    expect(folding.isTerminal).toBe(true);
    expect(folding.response).toEqual({ ...response, output: [] });
  });

  test.each([{ code: 'server_error', message: 'm' }, { error: { code: 'server_error', message: 'm' } }])(
    'ends with an error: %j',
    (error) => {
      const folding = fold(created, { type: 'error', ...error });
      expect(folding.isTerminal).toBe(true);
      expect(folding.response).toMatchObject({ status: 'failed', error: { code: 'server_error', message: 'm' } });
      expect(fold({ type: 'error', ...error }).response).toBeNull();
    },
  );

  test('keeps what came when the terminal event says that there is nothing', () => {
    const item = { id: 'a', type: 'compaction', encrypted_content: 'sealed' };
    const only = { type: 'response.output_item.done', output_index: 0, item };
    expect(fold(only, { type: 'response.completed', response: { id: 'resp_1', output: [] } }).response?.output).toEqual(
      [item],
    );
  });

  test('puts items into the order of their places, gaps or not', () => {
    const folding = fold(created, done(4e9), done(2), done(7), done(2), done(0));
    expect(folding.response?.output.map((item) => 'n' in item && item.n)).toEqual([0, 2, 7, 4e9]);
  });

  test('follows the status of hosted tools', () => {
    const item = { id: 'a', type: 'file_search_call', status: 'in_progress', queries: [] };
    const folding = fold(created, { type: 'response.output_item.added', output_index: 0, item });
    folding.apply({ type: 'response.file_search_call.searching', ...place, sequence_number: 3 });
    expect(folding.response?.output).toEqual([{ ...item, status: 'searching' }]);
  });

  test('makes nothing up for progress of an item that was not announced', () => {
    expect(fold(created, { type: 'response.mcp_call.failed', ...place }).response?.output).toEqual([]);
  });

  test.each([
    [{ type: 'response.output_text.delta', ...place, content_index: 0, delta: '' }, 'output_index'],
    [{ type: 'response.mcp_call_arguments.done', ...place, arguments: '' }, 'output_index'],
    [
      { type: 'response.content_part.added', ...place, content_index: 0, part: { type: 'refusal', refusal: '' } },
      'output_index',
    ],
  ])('refuses what contradicts the item: %j', (event, param) => {
    const item = { id: 'a', type: 'function_call', call_id: 'c', name: 'f', arguments: '' };
    const error = thrownBy(() => fold(created, { type: 'response.output_item.added', output_index: 0, item }, event));
    expect(error).toMatchObject({ code: 'invalid_value', param });
  });

  test('refuses parts that skip a place, however far', () => {
    const part = { type: 'output_text', text: '', annotations: [] };
    const event = { type: 'response.content_part.added', ...place, content_index: 4e9, part };
    expect(thrownBy(() => fold(created, event))).toMatchObject({ code: 'invalid_value' });
    const delta = { type: 'response.reasoning_summary_text.delta', ...place, summary_index: 1, delta: '' };
    expect(thrownBy(() => fold(created, delta))).toMatchObject({ code: 'invalid_value' });
  });
});

test('a stream without response.created is none', () => {
  expect(thrownBy(() => foldResponse([]))).toMatchObject({ code: 'invalid_value' });
  const last = { type: 'response.completed', response: { id: 'resp_1' } } as unknown as ServerEvent;
  expect(thrownBy(() => foldResponse([last]))).toMatchObject({ code: 'invalid_value' });
});
