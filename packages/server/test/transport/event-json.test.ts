import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  createResponse,
  createUsage,
  resolveSettings,
  type CreateRequest,
  type KnownEvent,
  type Response,
} from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventEncoder, EventEncoders } from '../../src/transport/event-json.ts';
import { takeFrameBuffer } from '../../src/transport/frames.ts';

const place = { item_id: fc.constant('msg_0a'), output_index: fc.nat() };
const piece = { delta: fc.string({ unit: 'binary' }), sequence_number: fc.nat() };
const padding = { obfuscation: fc.constantFrom('', 'aZ09') };

/** Every kind of delta that is not left to `JSON.stringify`, and one that is. */
const deltas = fc.oneof(
  fc.record(
    {
      type: fc.constant('response.output_text.delta'),
      ...place,
      content_index: fc.nat(),
      ...piece,
      ...padding,
      logprobs: fc.constantFrom([], [{ token: 'a', bytes: [97], logprob: -1, top_logprobs: [] }]),
    },
    { requiredKeys: ['type', 'item_id', 'output_index', 'content_index', 'delta', 'logprobs', 'sequence_number'] },
  ),
  fc.record(
    { type: fc.constant('response.reasoning_text.delta'), ...place, content_index: fc.nat(), ...piece, ...padding },
    { requiredKeys: ['type', 'item_id', 'output_index', 'content_index', 'delta', 'sequence_number'] },
  ),
  fc.record(
    {
      type: fc.constantFrom(
        'response.function_call_arguments.delta',
        'response.custom_tool_call_input.delta',
        'response.mcp_call_arguments.delta',
      ),
      ...place,
      ...piece,
      ...padding,
    },
    { requiredKeys: ['type', 'item_id', 'output_index', 'delta', 'sequence_number'] },
  ),
);

describe('the JSON of a delta', () => {
  it('is what JSON.stringify would write, and the stream id, in any order of events', () => {
    fc.assert(
      fc.property(fc.array(deltas, { maxLength: 12 }), fc.constantFrom(null, 'a.b-c'), (events, streamId) => {
        const encoder = new EventEncoder(streamId);
        const written = events.map((event) => write(encoder, event, streamId));
        expect(parsed(written)).toEqual(meant(written));
      }),
    );
  });

  it('is the same in a frame', () => {
    fc.assert(
      fc.property(fc.array(deltas, { maxLength: 12 }), fc.constantFrom(null, 'a.b-c'), (events, streamId) => {
        const frames = takeFrameBuffer();
        const meantFrames = takeFrameBuffer();
        const encoders = [new EventEncoder(streamId), new EventEncoder(streamId)] as const;
        for (const event of events) {
          encoders[0].write(event as KnownEvent, frames);
          meantFrames.text(encoders[1].encode(event as KnownEvent));
        }
        expect(frames.bytes.toString('latin1')).toBe(meantFrames.bytes.toString('latin1'));
        frames.giveBack();
        meantFrames.giveBack();
      }),
    );
  });
});

const text = fc.string({ unit: 'binary' });
const called = {
  id: text,
  status: fc.constantFrom('in_progress' as const, 'completed' as const),
  name: text,
  call_id: text,
};
const functionCall = fc.record({ ...called, type: fc.constant('function_call' as const), arguments: text });
const customCall = fc.record({ ...called, type: fc.constant('custom_tool_call' as const), input: text });

describe('the JSON of a call', () => {
  it.each<[string, (call: Record<string, unknown>) => object]>([
    [
      'as a turn makes it',
      ({ id, type, status, arguments: args, input, name, call_id }) =>
        type === 'function_call'
          ? { id, type, status, arguments: args, name, call_id }
          : { id, type, status, input, name, call_id },
    ],
    ['with a namespace', (call) => ({ ...call, namespace: 'of "mine"' })],
    ['in an order of its own', ({ call_id, ...call }) => ({ call_id, ...call })],
    ['without a status', (call) => Object.fromEntries(Object.entries(call).filter(([name]) => name !== 'status'))],
  ])('is what JSON.stringify would write: %s', (_, toItem) => {
    fc.assert(
      fc.property(fc.oneof(functionCall, customCall), (call) => {
        const item = toItem(call);
        const encoder = new EventEncoder(null);
        const args = 'arguments' in call ? call.arguments : call.input;
        const events = [
          { type: 'response.output_item.added', output_index: 0, item, sequence_number: 2 },
          {
            type: 'response.function_call_arguments.done',
            item_id: call.id,
            output_index: 0,
            arguments: args,
            sequence_number: 3,
          },
          { type: 'response.output_item.done', output_index: 0, item, sequence_number: 4 },
        ];
        expect(events.map((event) => encoder.encode(event as KnownEvent))).toEqual(
          events.map((event) => JSON.stringify(event)),
        );
      }),
    );
  });
});

describe('the JSON of a response', () => {
  const tools = [{ type: 'function' as const, name: 'look', parameters: { status: 'in_progress', output: [] } }];
  const request = {
    model: 'm',
    input: [],
    instructions: 'say "usage":null',
    tools,
    user: null,
    previous_response_id: 'a"b',
  };
  const settings = resolveSettings(request);
  const created: Response = createResponse({ id: 'resp_1', createdAt: 7, model: 'm', settings });
  const item = { id: 'msg_1', type: 'message' as const, role: 'assistant' as const, status: 'completed' as const };
  const output = [{ ...item, content: [{ type: 'output_text' as const, text: 'a\u2028"', annotations: [] }] }];
  const usage = createUsage({ inputTokens: 5, cachedTokens: 3, outputTokens: 2, reasoningTokens: 1 });
  const detailed = { ...usage, input_tokens_details: { cached_tokens: 3 } };
  const error = { code: 'server_error' as const, message: 'It "failed".' };

  it.each<[string, Partial<Response>]>([
    ['completed', { status: 'completed', completed_at: 9, output, service_tier: 'default', usage }],
    ['incomplete', { status: 'incomplete', output, incomplete_details: { reason: 'steered' } }],
    ['failed', { status: 'failed', error }],
    ['with less to tell of its tokens', { status: 'completed', usage: detailed }],
    ['another request', { id: 'resp_2', tools: [], status: 'completed', completed_at: 8 }],
    ['with a field more', { status: 'completed', input_transformations: [] } as Partial<Response>],
  ])('is what JSON.stringify would write, as it begins and as it ends: %s', (_, changes) => {
    const encoder = new EventEncoder('lane');
    const settled: Response = { ...created, ...changes };
    const events = [
      { type: 'response.created', response: created },
      { type: 'response.in_progress', response: created },
      ...settled.output.map((each, output_index) => ({ type: 'response.output_item.done', output_index, item: each })),
      { type: `response.${settled.status}`, response: settled },
    ].map((event, sequence_number) => ({ ...event, sequence_number }));
    const written = events.map((event) => write(encoder, event, 'lane'));
    expect(parsed(written)).toEqual(meant(written));
    // Byte for byte: somebody may well rely on the order of keys.
    expect(written.at(-1)?.json).toContain(JSON.stringify(settled));
  });

  it('of the next turn has nothing of the turn before', () => {
    const encoder = new EventEncoder(null);
    const written = ['resp_1', 'resp_2'].flatMap((id) => [
      write(encoder, { type: 'response.created', response: { ...created, id }, sequence_number: 0 }, null),
      write(
        encoder,
        { type: 'response.completed', response: { ...created, id, status: 'completed' }, sequence_number: 1 },
        null,
      ),
    ]);
    expect(parsed(written)).toEqual(meant(written));
  });
});

describe('what is remembered of responses', () => {
  const answer = (request: Partial<CreateRequest>): Response =>
    createResponse({
      id: 'resp_1',
      createdAt: 7,
      model: 'm',
      settings: resolveSettings({ model: 'm', input: [], ...request }),
    });

  it('is never told to another', () => {
    const requests = fc.record(
      {
        instructions: fc.constantFrom('a', 'b', null),
        user: fc.constantFrom('ada', 'bob'),
        metadata: fc.constantFrom<Record<string, string>>({}, { team: 'a' }),
        temperature: fc.constantFrom(0, 1),
        truncation: fc.constantFrom('auto' as const, 'disabled' as const),
        safety_identifier: fc.constantFrom('s', null),
        max_output_tokens: fc.constantFrom(1, null),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(requests, { maxLength: 8 }), (sent) => {
        for (const request of sent) {
          const event = { type: 'response.created' as const, response: answer(request), sequence_number: 0 };
          expect(new EventEncoder(null).encode(event)).toBe(JSON.stringify(event));
        }
      }),
    );
  });

  it('is nothing that a client wrote: it goes with its response', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const metadata = new WeakRef({ secret: 'canary' });
    const format = new WeakRef({ type: 'json_schema' as const, name: 'canary', schema: {} });
    (() => {
      const request = {
        metadata: metadata.deref() ?? {},
        text: { format: format.deref() ?? { type: 'text' as const } },
      };
      const event = { type: 'response.created' as const, response: answer(request), sequence_number: 0 };
      expect(new EventEncoder(null).encode(event)).toContain('canary');
    })();
    // A weak reference holds its object until the turn of the loop is over.
    await new Promise(setImmediate);
    collect();
    expect([metadata.deref(), format.deref()]).toEqual([undefined, undefined]);
  });
});

describe('encoders', () => {
  it('belong to their lanes', () => {
    const encoders = new EventEncoders();
    const lanes = [null, 'a', null, 'b', 'a'];
    const event = { type: 'response.refusal.delta', delta: 'no', sequence_number: 0 };
    expect(
      lanes.map((lane) => (JSON.parse(write(encoders.of(lane), event, lane).json) as Event).stream_id ?? null),
    ).toEqual(lanes);
    expect(encoders.of(null)).toBe(encoders.of(null));
    const a = encoders.of('a');
    encoders.of('b');
    expect(encoders.of('a')).toBe(a);
  });
});

interface Event {
  readonly stream_id?: string;
}

interface Written {
  readonly json: string;
  readonly event: object;
}

/** What was written, and what it must say. */
function write(encoder: EventEncoder, event: object, streamId: string | null): Written {
  return {
    json: encoder.encode(event as KnownEvent),
    event: streamId === null ? event : { ...event, stream_id: streamId },
  };
}

function parsed(written: readonly Written[]): unknown[] {
  return written.map(({ json }) => JSON.parse(json) as unknown);
}

function meant(written: readonly Written[]): unknown[] {
  return written.map(({ event }) => JSON.parse(JSON.stringify(event)) as unknown);
}
