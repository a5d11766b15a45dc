import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import { UsageError } from '../../src/config/usage-error.ts';

function load(yaml: string, argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Config {
  return loadConfig(['--config', '/etc/longwire.yaml', ...argv], env, () => yaml);
}

function refusal(yaml: string, argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}): string {
  try {
    load(yaml, argv, env);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('engines in YAML', () => {
  it('have all their settings', () => {
    const { upstreams, models } = load(
      `
engines:
  local: http://127.0.0.1:8080/v1/
  groq:
    url: [https://a.example/v1, https://b.example/v1]
    api-key: env:GROQ_KEY
    headers: { x-team: env:TEAM, x-plain: text }
    models: big
    max-tokens-field: max_completion_tokens
    reasoning-field: none
    developer-role: developer
    affinity-header: none
    omitted-fields: [verbosity]
    extra-fields: { provider: { order: [x] } }
    connect-timeout-ms: 1000
    max-concurrent: 8
  openai:
    kind: responses
    url: https://api.openai.com/v1
    transport: websocket
    lanes: 16
    lifetime-ms: 60000
    accepts-cancel: true
`,
      [],
      { GROQ_KEY: 'gsk', TEAM: 'blue' },
    ).engines;
    expect(models).toEqual([]);
    const [local, groq, openai] = upstreams;
    expect(local).toMatchObject({ kind: 'chat', name: 'local', baseUrl: 'http://127.0.0.1:8080/v1', settings: {} });
    expect(groq).toMatchObject({
      kind: 'chat',
      baseUrl: 'https://a.example/v1',
      replicaUrls: ['https://b.example/v1'],
      settings: {
        models: ['big'],
        maxTokensField: 'max_completion_tokens',
        reasoningField: null,
        developerRole: 'developer',
        affinityHeader: null,
        omittedFields: ['verbosity'],
        extraFields: { provider: { order: ['x'] } },
        connectTimeoutMs: 1000,
        maxConcurrent: 8,
      },
    });
    expect(groq?.apiKey?.reveal()).toBe('gsk');
    expect(Object.entries(groq?.headers ?? {}).map(([name, value]) => [name, value.reveal()])).toEqual([
      ['x-team', 'blue'],
      ['x-plain', 'text'],
    ]);
    expect(openai).toMatchObject({
      kind: 'responses',
      settings: { transport: 'websocket', lanes: 16, lifetimeMs: 60_000, acceptsCancel: true },
    });
  });

  it('may take token ids, with a tokenizer beside the YAML file', () => {
    const { upstreams } = load(`
engines:
  a: { kind: vllm, url: http://a.example:8000/v1, seed: 7 }
  b: { kind: sglang, url: http://b.example:30000, tokenizer: models/qwen, models: [qwen] }
  c: { kind: llama-server, url: http://c.example:8080, seed: 7 }
`).engines;
    expect(upstreams).toMatchObject([
      { kind: 'vllm', settings: { seed: 7 } },
      { kind: 'sglang', settings: { tokenizer: '/etc/models/qwen', models: ['qwen'] } },
      { kind: 'llama-server', settings: { seed: 7 } },
    ]);
  });

  it('may be providers', () => {
    const { providers } = load(
      `
engines:
  claude:
    kind: provider
    package: "@ai-sdk/anthropic"
    models: [claude-a, claude-b]
    settings: { apiKey: env:ANTHROPIC_KEY, headers: { x: [env:ANTHROPIC_KEY] } }
    provider-options: { anthropic: { cacheControl: { type: ephemeral } } }
    max-concurrent: 4
`,
      [],
      { ANTHROPIC_KEY: 'sk-ant' },
    ).engines;
    expect(providers).toMatchObject([
      {
        name: 'claude',
        package: '@ai-sdk/anthropic',
        models: ['claude-a', 'claude-b'],
        providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } },
        maxConcurrent: 4,
      },
    ]);
    expect(JSON.parse(providers[0]?.settings?.reveal() ?? '')).toEqual({
      apiKey: 'sk-ant',
      headers: { x: ['sk-ant'] },
    });
  });

  it('stand beside those of the flags, which give the keys of both', () => {
    const flags = ['--upstream', 'a=http://a.example/v1', '--upstream-api-key', 'b=key-of-b'];
    const { upstreams } = load('engines: { b: http://b.example/v1 }', flags).engines;
    expect(upstreams.map(({ name, apiKey }) => [name, apiKey?.reveal()])).toEqual([
      ['a', undefined],
      ['b', 'key-of-b'],
    ]);
  });

  it('show no key when they are printed', () => {
    const yaml = `
engines:
  a: { url: http://a.example/v1, api-key: sk-0123456789, headers: { x: sk-0123456789 } }
  b: { kind: provider, package: p, models: m, settings: { apiKey: sk-0123456789 } }
`;
    const config = load(yaml);
    for (const shown of [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true })]) {
      expect(shown).not.toContain('0123456789');
    }
  });

  const url = 'url: http://x.example/v1';
  it.each([
    ['engines: [a]', 'engines must be a mapping of names, each with its settings.'],
    ['engine: {}', 'Unknown key engine in longwire.yaml. Did you mean engines?'],
    [
      'engines: { a: {} }',
      'Invalid value for url in engines.a: expected a URL, such as http://127.0.0.1:8080/v1, or a list of them.',
    ],
    ['engines: { a: { url: [] } }', 'Invalid value for url in engines.a: expected at least one URL.'],
    [
      'engines: { a: { url: "ftp://x" } }',
      'Invalid value for url in engines.a: expected a URL, such as http://127.0.0.1:8080/v1, or a list of them.',
    ],
    [
      `engines: { a: { ${url}, kind: chats } }`,
      'Invalid value for kind in engines.a: expected one of chat, responses, llama-server, vllm, sglang, provider.',
    ],
    [`engines: { a: { ${url}, lane: 1 } }`, 'Unknown setting lane in engines.a.'],
    [`engines: { a: { kind: responses, ${url}, lane: 1 } }`, 'Unknown setting lane in engines.a. Did you mean lanes?'],
    [
      `engines: { a: { kind: responses, ${url}, lanes: many } }`,
      'Invalid value for lanes in engines.a: expected a whole number from 1 to 4096.',
    ],
    [
      `engines: { a: { ${url}, max-tokens-field: tokens } }`,
      'Invalid value for max-tokens-field in engines.a: expected one of max_tokens, max_completion_tokens.',
    ],
    [
      `engines: { a: { ${url}, api-key: "env:NONE" } }`,
      'api-key in engines.a is taken from the environment variable NONE, which is not set.',
    ],
    [
      `engines: { "a b": { ${url} } }`,
      'The name of an upstream has 1 to 64 letters, digits, dots, hyphens, underscores or colons.',
    ],
    ['engines: { a: { kind: provider, models: m } }', 'engines.a needs package, such as @ai-sdk/anthropic.'],
    [
      'engines: { a: { kind: provider, package: p } }',
      "engines.a needs models: a provider's package does not list them.",
    ],
  ])('are refused: %s', (yaml, message) => {
    expect(refusal(yaml)).toBe(message);
  });

  it('have names of their own', () => {
    expect(refusal('engines: { a: http://a.example/v1 }', ['--upstream', 'a=http://b.example/v1'])).toBe(
      'Two upstreams have the name a: tell them apart with --upstream NAME=URL.',
    );
  });
});

describe('flags in short', () => {
  it('name the kind of a server before its URL', () => {
    const { upstreams } = loadConfig(['--upstream', 'x=responses+https://x.example/v1'], {}, () => '').engines;
    expect(upstreams).toMatchObject([{ name: 'x', kind: 'responses', baseUrl: 'https://x.example/v1' }]);
    expect(refusal('{}', ['--upstream', 'x=replies+https://x.example/v1'])).toBe(
      'Invalid value for upstream: the kinds of servers are chat, responses, llama-server, vllm, sglang.',
    );
  });

  it('name the tokenizer of a server that takes token ids', () => {
    const argv = ['--upstream', 'x=sglang+http://x.example:30000', '--upstream-tokenizer'];
    const { upstreams } = loadConfig([...argv, 'x=/models/qwen'], {}, () => '').engines;
    expect(upstreams).toMatchObject([{ name: 'x', kind: 'sglang', settings: { tokenizer: '/models/qwen' } }]);
    expect(refusal('{}', [...argv, 'another=/models/qwen'])).toBe(
      'upstream-tokenizer names another, which is no upstream of vLLM or SGLang.',
    );
    expect(refusal('{}', [...argv, '/models/qwen'])).toBe(
      'Invalid value for upstream-tokenizer: expected NAME=FOLDER.',
    );
  });

  it('name a provider with its package and models', () => {
    const flags = ['--provider', 'claude=@ai-sdk/anthropic#a#b', '--upstream-api-key', 'claude=sk-ant'];
    const { providers, models } = loadConfig(flags, {}, () => '').engines;
    expect(models).toEqual([]);
    expect(providers).toMatchObject([{ name: 'claude', package: '@ai-sdk/anthropic', models: ['a', 'b'] }]);
    expect(providers[0]?.settings?.reveal()).toBe('{"apiKey":"sk-ant"}');
  });

  it.each([['claude'], ['@ai-sdk/anthropic#m'], ['claude=@ai-sdk/anthropic'], ['claude=#m'], ['claude=p#m#']])(
    'refuse the provider %s',
    (value) => {
      expect(refusal('{}', ['--provider', value])).toMatch(/^Invalid value for provider: expected NAME=PACKAGE#MODEL/);
    },
  );
});
