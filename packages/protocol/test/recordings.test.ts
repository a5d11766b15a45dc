/** The real service's own frames, recorded on 2026-03-26. */
import { describe, expect, test } from 'vitest';
import {
  createResponse,
  foldResponse,
  parseCreateRequest,
  parseFrame,
  parseServerEvent,
  resolveSettings,
  type Response,
  type ServerEvent,
} from '../src/index.ts';
import { readExchanges } from './frames.ts';

interface Terminal {
  type: string;
  response: Response;
}

describe.each(readExchanges())('$name', ({ sent, received }) => {
  const events = received.map((event) => parseServerEvent(JSON.stringify(event)));
  const terminal = received.at(-1) as unknown as Terminal;
  const request = parseCreateRequest(parseFrame(JSON.stringify(sent)).body, 'websocket');

  test('every event is understood as it is', () => {
    expect(events).toEqual(received);
    expect(terminal.type).toBe('response.completed');
  });

  test('the events amount to the response of the last one', () => {
    expect(foldResponse(events)).toEqual(terminal.response);
  });

  test('the deltas alone amount to its output', () => {
    const { output, ...sparse } = terminal.response;
    const last = { ...terminal, response: sparse } as unknown as ServerEvent;
    const inner = events.slice(0, -1).filter(({ type }) => !type.endsWith('.done'));
    expect(statusless(foldResponse([...inner, last]).output)).toEqual(statusless(output));
    expect(foldResponse([...events.slice(0, -1), last])).toEqual(terminal.response);
  });

  test('a response made from the request has the same keys in the same order, and the same settings', () => {
    const created = (received[0] as unknown as Terminal).response;
    const { id, created_at: createdAt, model } = created;
    const ours = createResponse({ id, createdAt, model, settings: resolveSettings(request) });
    const { conversation, prompt, prompt_cache_options, moderation, access_programs, ...recorded } = ours;
    expect(JSON.stringify(recorded)).toBe(JSON.stringify(created));
    // Fields that came after the recordings (dossier L.2).
    expect([conversation, prompt, moderation, access_programs]).toEqual([null, null, null, null]);
    expect(prompt_cache_options).toEqual({ mode: 'implicit', ttl: '30m' });
  });
});

/** Without what only `done` events and the terminal one tell. */
function statusless(output: Response['output']): unknown[] {
  return output.map((item) => ({ ...item, status: undefined }));
}
