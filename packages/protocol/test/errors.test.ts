import { describe, expect, test } from 'vitest';
import {
  catalogue,
  errors,
  parseServerEvent,
  type ProtocolError,
  toErrorEvent,
  toErrorHeaders,
  toHttpErrorBody,
  toProtocolError,
  toResponseError,
} from '../src/index.ts';

/** One of every kind: the compiler asks for those that are missing. */
const samples: Record<keyof typeof errors, ProtocolError> = {
  invalidRequest: errors.invalidRequest('No.', 'input'),
  invalidJson: errors.invalidJson(),
  missing: errors.missing('model'),
  invalidType: errors.invalidType('model', 'a string', 'null'),
  invalidValue: errors.invalidValue('model', 'no.'),
  unsupportedParameter: errors.unsupportedParameter('background', 'is not supported over WebSocket.'),
  unsupportedValue: errors.unsupportedValue('model', 'no.'),
  missingEventType: errors.missingEventType(),
  unknownEventType: errors.unknownEventType('x'),
  binaryFrame: errors.binaryFrame(),
  messageTooLarge: errors.messageTooLarge(16),
  previousResponseNotFound: errors.previousResponseNotFound('resp_abc'),
  invalidStreamId: errors.invalidStreamId(),
  streamLimitReached: errors.streamLimitReached(32),
  connectionLimitReached: errors.connectionLimitReached(60),
  queueLimitReached: errors.queueLimitReached(256, 1000),
  websocketDisabled: errors.websocketDisabled(),
  upgradeRequired: errors.upgradeRequired(),
  originNotAllowed: errors.originNotAllowed(),
  invalidApiKey: errors.invalidApiKey(),
  modelNotFound: errors.modelNotFound('m'),
  responseNotFound: errors.responseNotFound('resp_abc'),
  synchronousResponse: errors.synchronousResponse(),
  notInBackground: errors.notInBackground(),
  notStreamable: errors.notStreamable(),
  backgroundInterrupted: errors.backgroundInterrupted(),
  itemNotFound: errors.itemNotFound('msg_1'),
  listedItemNotFound: errors.listedItemNotFound('msg_1', 'after'),
  conversationNotFound: errors.conversationNotFound('conv_1'),
  conversationLocked: errors.conversationLocked(),
  idempotencyKeyReused: errors.idempotencyKeyReused(),
  idempotencyReplayUnavailable: errors.idempotencyReplayUnavailable(),
  unknownUrl: errors.unknownUrl('GET', '/x'),
  unsupportedMediaType: errors.unsupportedMediaType(),
  methodNotAllowed: errors.methodNotAllowed('PUT', '/x'),
  noToolCall: errors.noToolCall('call_1', 'function call output', null),
  noToolOutput: errors.noToolOutput('call_1', 'function call'),
  contextLengthExceeded: errors.contextLengthExceeded(8, 9),
  engineContextLengthExceeded: errors.engineContextLengthExceeded('Too long.'),
  invalidEncryptedContent: errors.invalidEncryptedContent('input[0].encrypted_content', 'No.'),
  invalidPrompt: errors.invalidPrompt('No.'),
  rateLimitExceeded: errors.rateLimitExceeded('Slow down.', 1001),
  serverIsOverloaded: errors.serverIsOverloaded(1000),
  serverIsDraining: errors.serverIsDraining(1000),
  engineUnavailable: errors.engineUnavailable('Down.'),
  engineTimeout: errors.engineTimeout('Late.'),
  storeUnavailable: errors.storeUnavailable(),
  serverError: errors.serverError(),
};

describe.each(Object.entries(samples))('%s', (_name, error) => {
  test('leaves by any of the three doors in the documented shape', () => {
    const { status, type } = catalogue[error.entry];
    const body = { type, code: error.code, message: error.message, param: error.param };
    expect(toHttpErrorBody(error)).toEqual({ error: body });
    const event = toErrorEvent(error, 3, 'main');
    expect(event).toMatchObject({ type: 'error', status, sequence_number: 3, stream_id: 'main', error: body });
    expect(parseServerEvent(JSON.stringify(event))).toEqual(event);
    expect(toResponseError(error)).toEqual({ code: expect.any(String) as string, message: error.message });
  });

  test('says something, and in whole words', () => {
    expect(error.message).toMatch(/^[A-Z].*\.$/s);
    expect(error.message).not.toMatch(/undefined|null\b.*expected|\[object/);
  });
});

test('the exact texts of the real service', () => {
  expect(samples.previousResponseNotFound.message).toBe("Previous response with id 'resp_abc' not found.");
  expect(samples.streamLimitReached.message).toBe(
    'This WebSocket connection has reached its maximum number of distinct stream IDs (32). Reuse an existing stream_id or open a new WebSocket connection.',
  );
  expect(samples.connectionLimitReached.message).toBe(
    'Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue.',
  );
  expect(samples.noToolCall.message).toBe('No tool call found for function call output with call_id call_1.');
  expect(samples.noToolOutput.message).toBe('No tool output found for function call call_1.');
  expect(samples.noToolCall.code).toBeNull();
});

test('a default lane is not named, and headers are there only when there is something to wait for', () => {
  expect(toErrorEvent(samples.invalidJson, 0)).not.toHaveProperty('stream_id');
  expect(toErrorHeaders(samples.invalidJson)).toEqual({});
  expect(toErrorHeaders(samples.rateLimitExceeded)).toEqual({ 'retry-after': '2' });
  expect(toErrorEvent(samples.rateLimitExceeded, 0)).toMatchObject({
    headers: { 'retry-after': '2' },
    error: { headers: { 'retry-after': '2' } },
  });
});

test('what is foreign becomes a server error that keeps its cause to itself', () => {
  const cause = new TypeError('secret');
  const error = toProtocolError(cause, 'req_1');
  expect(error).toMatchObject({ entry: 'server_error', status: 500, retryable: true, cause });
  expect(JSON.stringify(toErrorEvent(error, 0))).not.toContain('secret');
  expect(error.message).toContain('req_1');
  expect(toProtocolError(samples.invalidJson)).toBe(samples.invalidJson);
});
