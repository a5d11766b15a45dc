import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KnownEvent } from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { EventEncoder } from '../../src/transport/event-json.ts';
import { encodeTextFrames } from '../../src/transport/frames.ts';

describe('frames', () => {
  it('are read by a WebSocket as the texts that they were, at every length of header', async () => {
    const texts = [
      '',
      'a',
      'é'.repeat(62),
      'x'.repeat(125),
      'x'.repeat(126),
      '\u{1f600}'.repeat(16_384),
      'y'.repeat(65_536),
      'z'.repeat(125) + 'é',
      'end',
    ];
    const server = createServer();
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, stream, head) => {
      sockets.handleUpgrade(request, stream, head, () => stream.write(encodeTextFrames(texts)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const received: string[] = [];
    const all = Promise.withResolvers<void>();
    socket.on('message', (data: Buffer) => {
      if (received.push(data.toString()) === texts.length) all.resolve();
    });
    await all.promise;
    socket.terminate();
    server.close();
    expect(received).toEqual(texts);
  });
});

describe('the JSON of an event', () => {
  const delta = fc.record(
    {
      type: fc.constant('response.output_text.delta' as const),
      item_id: fc.constant('msg_0a'),
      output_index: fc.nat(),
      content_index: fc.nat(),
      delta: fc.string({ unit: 'binary' }),
      logprobs: fc.constantFrom([], [{ token: 'a', bytes: [97], logprob: -1, top_logprobs: [] }]),
      obfuscation: fc.constantFrom('', 'aZ09'),
      sequence_number: fc.nat(),
    },
    { requiredKeys: ['type', 'item_id', 'output_index', 'content_index', 'delta', 'logprobs', 'sequence_number'] },
  );

  it('is what JSON.stringify would write, and the stream id', () => {
    fc.assert(
      fc.property(delta, fc.constantFrom(null, 'a.b-c'), (event, streamId) => {
        const expected = streamId === null ? event : { ...event, stream_id: streamId };
        expect(JSON.parse(new EventEncoder(streamId).encode(event as unknown as KnownEvent))).toEqual(
          JSON.parse(JSON.stringify(expected)),
        );
      }),
    );
  });

  it('of two events with one response is right for both', () => {
    const encoder = new EventEncoder('lane');
    const response = { id: 'resp_1', status: 'in_progress' };
    const events = ['response.created', 'response.in_progress'].map((type, sequence_number) => ({
      type,
      response,
      sequence_number,
    }));
    const other = { type: 'response.in_progress', response: { ...response, id: 'resp_2' }, sequence_number: 2 };
    for (const event of [...events, other]) {
      expect(JSON.parse(encoder.encode(event as KnownEvent))).toEqual({ ...event, stream_id: 'lane' });
    }
  });
});
