import { describe, expect, it } from 'vitest';
import { UpstreamErrors } from '../../../src/engine/http/errors.ts';

const errors = new UpstreamErrors('up', ['sk-secret']);

describe('an error of the Responses API', () => {
  it.each<[string, object, string]>([
    [
      'nested',
      { type: 'error', status: 400, error: { type: 'invalid_request_error', message: 'No.' } },
      'invalid_request',
    ],
    ['flat, as SSE has it', { type: 'error', code: 'rate_limit_exceeded', message: 'Slow.' }, 'rate_limit_exceeded'],
    ['of a failed response', { code: 'server_error', message: 'Oh.' }, 'engine_unavailable'],
    ['about an image', { code: 'image_parse_error', message: 'No image.' }, 'invalid_request'],
    ['about the prompt', { code: 'invalid_prompt', message: 'No.' }, 'invalid_prompt'],
    ['about the length', { error: { code: 'context_length_exceeded', message: 'Long.' } }, 'context_length_exceeded'],
    ['about the model', { error: { code: 'model_not_found', message: 'What?' } }, 'model_not_found'],
    ['about load', { error: { code: 'server_is_overloaded', message: 'Busy.' } }, 'server_is_overloaded'],
    ['about quota', { status: 429, error: { code: 'insufficient_quota', message: 'Pay.' } }, 'engine_unavailable'],
    ['about the key', { status: 401, error: { code: 'invalid_api_key', message: 'sk-secret' } }, 'engine_unavailable'],
    ['of another Longwire', { error: { code: 'engine_timeout', message: 'Slow.' } }, 'engine_timeout'],
    ['that says nothing', {}, 'engine_unavailable'],
  ])('%s', (_what, event, entry) => {
    const error = errors.fromResponses(event, 'm');
    expect(error.entry).toBe(entry);
    expect(error.message).not.toContain('sk-secret');
  });

  it.each([
    [{ error: { code: 'rate_limit_exceeded', message: '', headers: { 'Retry-After': '7' } } }],
    [{ headers: { 'retry-after': '7' }, error: { code: 'rate_limit_exceeded', message: '' } }],
  ])('tells when to try again: %j', (event) => {
    expect(errors.fromResponses(event, 'm').retryAfterMs).toBe(7000);
  });
});
