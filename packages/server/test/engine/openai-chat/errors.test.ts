import { describe, expect, it } from 'vitest';
import { UpstreamErrors } from '../../../src/engine/http/errors.ts';

const errors = new UpstreamErrors('up', ['sk-secret']);

function reply(status: number, body: unknown, headers: Record<string, string> = {}) {
  return errors.fromReply({ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }, 'm');
}

describe('an upstream error', () => {
  it.each<[string, number, unknown, string]>([
    ['bad key', 401, { error: { message: 'Incorrect API key provided: sk-secret' } }, 'engine_unavailable'],
    ['no right', 403, 'Forbidden', 'engine_unavailable'],
    [
      'vLLM: no model',
      404,
      { object: 'error', message: 'The model `m` does not exist.', code: 404 },
      'model_not_found',
    ],
    ['Ollama: no model', 404, { error: { message: 'model "m" not found, try pulling it first' } }, 'model_not_found'],
    ['OpenAI: no model', 400, { error: { message: 'x', code: 'model_not_found' } }, 'model_not_found'],
    ['no such route', 404, 'Not Found', 'engine_unavailable'],
    ['too many requests', 429, { error: { message: 'Slow down, context window' } }, 'rate_limit_exceeded'],
    ['template', 400, { error: { message: 'Conversation roles must alternate' } }, 'invalid_request'],
    ['FastAPI', 422, { detail: 'field required' }, 'invalid_request'],
    ['time-out', 408, '', 'engine_timeout'],
    ['gateway time-out', 504, '<html>', 'engine_timeout'],
    ['failure', 500, { error: { message: 'oops' } }, 'engine_unavailable'],
    ['loading', 503, { error: { message: 'Loading model', type: 'unavailable_error' } }, 'engine_unavailable'],
    [
      'OpenAI: too long',
      400,
      { error: { message: "This model's maximum context length is 8192 tokens.", code: 'context_length_exceeded' } },
      'context_length_exceeded',
    ],
    ['vLLM: too long', 400, { object: 'error', message: 'maximum context length is 10' }, 'context_length_exceeded'],
    ['a 500 that means too long', 500, { error: 'prompt is too long' }, 'context_length_exceeded'],
  ])('%s (%i) becomes an error of the catalogue', (_, status, body, entry) => {
    expect(reply(status, body).entry).toBe(entry);
  });

  it('tells the counts of llama-server', () => {
    const error = reply(400, {
      error: { code: 400, message: 'x', type: 'exceed_context_size_error', n_prompt_tokens: 6010, n_ctx: 4096 },
    });
    expect(error.entry).toBe('context_length_exceeded');
    expect(error.message).toContain('4096 tokens, but the input has 6010 tokens');
  });

  it.each([
    [{ 'retry-after': '7' }, 7000, '7s'],
    [{ 'retry-after-ms': '250' }, 250, '1s'],
    [{}, 1000, '1s'],
    [{ 'retry-after': 'nonsense' }, 1000, '1s'],
  ])('with %j says when to come again', (headers, retryAfterMs, told) => {
    const error = reply(429, '', headers as Record<string, string>);
    expect(error.retryAfterMs).toBe(retryAfterMs);
    expect(error.message).toContain(told);
  });

  it('never shows keys or credentials in an address', () => {
    const said = `sk-secret at http://user:pass@host/v1 ${'x'.repeat(1000)}`;
    for (const status of [400, 401, 404, 429, 500]) {
      const error = reply(status, { error: { message: said } });
      expect(error.message).not.toMatch(/sk-secret|pass/);
      expect(String(error.cause)).not.toMatch(/sk-secret|pass/);
      expect(error.message.length).toBeLessThan(600);
    }
  });

  it('that is no connection names only the engine', () => {
    const error = errors.fromConnection(new Error('connect ECONNREFUSED 127.0.0.1:9'));
    expect(error).toMatchObject({ entry: 'engine_unavailable', message: "The engine 'up' cannot be reached." });
  });
});
