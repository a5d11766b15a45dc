/** Everything that real clients and servers were seen to send is understood. */
import { describe, expect, test } from 'vitest';
import { parseCreateRequest, parseFrame, parseServerEvent } from '../src/index.ts';
import { readCaptures } from './frames.ts';

describe.each(readCaptures())('$name', ({ sent, received }) => {
  test('every frame of the client is accepted, its items and unknown fields kept', () => {
    expect(sent).not.toHaveLength(0);
    for (const body of sent) {
      const frame = parseFrame(JSON.stringify(body));
      expect(frame).toMatchObject({ type: 'response.create', streamId: null });
      const { type: _type, stream: _stream, input, ...fields } = body;
      const request = parseCreateRequest(frame.body, 'websocket');
      expect(request).toMatchObject(fields);
      expect(request.input).toMatchObject(Array.isArray(input) ? input : [{ type: 'message', role: 'user' }]);
    }
  });

  test('every event of the server is understood as it is', () => {
    expect(received).not.toHaveLength(0);
    for (const event of received) expect(parseServerEvent(JSON.stringify(event))).toEqual(event);
  });
});
