import { inspect } from 'node:util';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createKeyring } from '../../src/auth/keys.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import { UsageError } from '../../src/config/usage-error.ts';

interface Given {
  readonly argv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly yaml?: string;
}

/** With `yaml`, as if the file /etc/longwire.yaml had been named. */
function load({ argv = [], env = {}, yaml }: Given): Config {
  const flags = yaml === undefined ? argv : ['--config', '/etc/longwire.yaml', ...argv];
  return loadConfig(flags, env, (path) => {
    if (path !== '/etc/longwire.yaml' || yaml === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
    return yaml;
  });
}

function refusal(given: Given): string {
  try {
    load(given);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('It was accepted.');
}

it('takes the name of a rollout for itself, and everything else for a path', () => {
  const scripted = (word: string) => load({ argv: ['--scripted', word] }).engines.scripted?.workload;
  expect(scripted('coding-90')).toBe('coding-90');
  expect(scripted('coding-91')).toBe(resolve('coding-91'));
});

describe('defaults', () => {
  it('are those of the documentation', () => {
    expect(load({})).toMatchObject({
      listen: { host: '127.0.0.1', port: 8787, websocket: true, allowedOrigins: [], subprotocolKeys: false },
      engines: {
        models: ['demo'],
        embedded: { seed: null, spillBudgetBytes: 268_435_456 },
        upstreams: [],
        scripted: null,
      },
      apiKeys: [],
      store: { kind: 'sqlite', zeroRetention: false },
      limits: {
        maxFrameBytes: 67_108_864,
        outboundLimitBytes: 1_048_576,
        maxLanes: 32,
        maxInFlight: 16,
        maxQueued: 256,
      },
      timers: { connectionLifetimeMs: 3_600_000, pingIntervalMs: 4_500, deadPeerMs: 9_000, drainTimeoutMs: 30_000 },
      log: { level: 'info', format: 'pretty' },
    });
  });

  it('put the store into the data folder of the user', () => {
    expect(load({}).store.dataPath).toMatch(/^\/.*longwire/);
  });

  it.each([
    ['--model', 'x.gguf'],
    ['--upstream', 'http://127.0.0.1:1/v1'],
    ['--scripted', 'x.jsonl'],
  ])('leave the demo model out with %s', (flag, value) => {
    expect(load({ argv: [flag, value] }).engines.models).not.toContain('demo');
  });
});

describe('the address of metrics', () => {
  const listen = (value: string) => load({ argv: ['--metrics-address', value] }).metrics.listen;

  it('is none, and names no projects, by default', () => {
    expect(load({}).metrics).toEqual({ listen: null, byProject: false });
  });

  it.each([
    ['9464', '127.0.0.1', 9464],
    ['0', '127.0.0.1', 0],
    ['0.0.0.0:9464', '0.0.0.0', 9464],
    ['metrics.internal:80', 'metrics.internal', 80],
    ['[::1]:9464', '::1', 9464],
  ])('%s', (value, host, port) => {
    expect(listen(value)).toEqual({ host, port });
  });

  it.each([
    'x',
    ':9464',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '::1:9464',
    '[::x]:1',
    '[]:1',
    'http://127.0.0.1:9464',
    'a b:1',
  ])('refuses %s', (value) => {
    expect(refusal({ argv: ['--metrics-address', value] })).toBe(
      `Invalid value for metrics-address: expected [HOST:]PORT, such as 127.0.0.1:9464, but got '${value}'.`,
    );
  });
});

describe('precedence', () => {
  it('is flags, environment, file, defaults', () => {
    const yaml = 'port: 1\nmax-lanes: 1\nmax-queued: 1';
    const env = { LONGWIRE_PORT: '2', LONGWIRE_MAX_LANES: '2' };
    const { listen, limits } = load({ argv: ['--port', '3'], env, yaml });
    expect([listen.port, limits.maxLanes, limits.maxQueued, limits.maxInFlight]).toEqual([3, 2, 1, 16]);
  });

  it('takes a list whole from the first that has it', () => {
    const config = load({ argv: ['--allow-origin', 'https://a.example'], env: { LONGWIRE_ALLOW_ORIGIN: '*' } });
    expect(config.listen.allowedOrigins).toEqual(['https://a.example']);
  });

  it('finds the file by the environment too', () => {
    const env = { LONGWIRE_CONFIG: '/etc/longwire.yaml' };
    expect(loadConfig([], env, () => 'port: 5').listen.port).toBe(5);
  });
});

describe('flags', () => {
  it('have their values after a space or an equals sign', () => {
    expect(load({ argv: ['--port', '1', '--host=localhost'] }).listen).toMatchObject({ port: 1, host: 'localhost' });
  });

  it('win when they come later, or gather', () => {
    const config = load({ argv: ['--port=1', '--model', 'demo', '--port=2', '--model=/b.gguf'] });
    expect(config.listen.port).toBe(2);
    expect(config.engines.models).toEqual(['demo', '/b.gguf']);
  });

  it.each([
    [['--websocket'], true],
    [['--websocket', 'off'], false],
    [['--websocket=off'], false],
    [['--no-websocket'], false],
    [['--no-websocket', '--websocket', '--port', '1'], true],
  ])('switch: %j is %j', (argv, expected) => {
    expect(load({ argv }).listen.websocket).toBe(expected);
  });

  it.each([
    [['--prot', '1'], 'Unknown option --prot. Did you mean --port?'],
    [['--max-lane=1'], 'Unknown option --max-lane. Did you mean --max-lanes?'],
    [['--zzzzzzzzzz'], 'Unknown option --zzzzzzzzzz.'],
    [['--no-port'], 'Unknown option --no-port. Did you mean --port?'],
    [['--port'], '--port needs a value: --port NUMBER.'],
    [['--model', '--port', '1'], '--model needs a value: --model FILE.gguf.'],
    [['--port', 'abc'], "Invalid value for --port: expected a whole number from 0 to 65535, but got 'abc'."],
    [['--port', '65536'], "Invalid value for --port: expected a whole number from 0 to 65535, but got '65536'."],
    [['--port=-1'], "Invalid value for --port: expected a whole number from 0 to 65535, but got '-1'."],
    [['--port='], 'Invalid value for --port: expected a whole number from 0 to 65535, but got nothing.'],
    [['--store', 'disk'], "Invalid value for --store: expected one of sqlite, memory, off, but got 'disk'."],
    [['--websocket=maybe'], "Invalid value for --websocket: expected on or off, but got 'maybe'."],
    [['--toString'], 'Unknown option --toString.'],
  ])('refuse %j', (argv, message) => {
    expect(refusal({ argv })).toBe(message);
  });
});

describe('environment', () => {
  it('separates the values of a list by commas', () => {
    const env = { LONGWIRE_MODEL: 'demo, /b.gguf', LONGWIRE_WEBSOCKET: 'off' };
    const config = load({ env });
    expect(config.engines.models).toEqual(['demo', '/b.gguf']);
    expect(config.listen.websocket).toBe(false);
  });

  it('counts an empty variable as not set', () => {
    expect(load({ env: { LONGWIRE_PORT: '', LONGWIRE_API_KEY: '' } }).listen.port).toBe(8787);
  });

  it('refuses variables that it does not know, by name', () => {
    expect(refusal({ env: { LONGWIRE_PROT: '1' } })).toBe(
      'Unknown environment variable LONGWIRE_PROT. Did you mean LONGWIRE_PORT?',
    );
  });

  it('leaves the variables of others alone', () => {
    expect(load({ env: { PORT: '1', PATH: '/bin' } }).listen.port).toBe(8787);
  });
});

describe('YAML file', () => {
  it('has the same names, types, lists and mappings', () => {
    const config = load({
      yaml: `
port: 9000
websocket: false
store: off
scripted: work.jsonl
scripted-rate: 65
upstream:
  groq: https://api.groq.example/openai/v1
  local: http://127.0.0.1:8080/v1/
upstream-api-key: { groq: gsk-123 }
api-key: [team=abc]
allow-origin: https://app.example
`,
    });
    expect(config.listen).toMatchObject({ port: 9000, websocket: false, allowedOrigins: ['https://app.example'] });
    expect(config.store.kind).toBe('off');
    expect(config.engines.scripted).toEqual({ workload: '/etc/work.jsonl', rate: 65 });
    expect(config.engines.upstreams.map(({ name, baseUrl }) => [name, baseUrl])).toEqual([
      ['groq', 'https://api.groq.example/openai/v1'],
      ['local', 'http://127.0.0.1:8080/v1'],
    ]);
    expect(config.engines.upstreams.map(({ apiKey }) => apiKey?.reveal())).toEqual(['gsk-123', undefined]);
    expect(config.apiKeys.map(({ project }) => project)).toEqual(['team']);
  });

  it('may be empty', () => {
    expect(load({ yaml: '# nothing yet\n' }).listen.port).toBe(8787);
  });

  it.each([
    ['prot: 1', 'Unknown key prot in longwire.yaml. Did you mean port?'],
    ['config: x', 'Unknown key config in longwire.yaml.'],
    ['__proto__: {port: 1}', 'Unknown key __proto__ in longwire.yaml.'],
    ['constructor: 1', 'Unknown key constructor in longwire.yaml.'],
    ['port: high', "Invalid value for port in longwire.yaml: expected a whole number from 0 to 65535, but got 'high'."],
    ['port: 1.5', 'Invalid value for port in longwire.yaml: expected a whole number from 0 to 65535, but got 1.5.'],
    ['port: [1]', 'Invalid value for port in longwire.yaml: expected a whole number from 0 to 65535, but got a list.'],
    ['port:', 'Invalid value for port in longwire.yaml: expected a whole number from 0 to 65535, but got null.'],
    ['host: {a: 1}', 'Invalid value for host in longwire.yaml: expected ADDRESS, but got a mapping.'],
    ['model: 7', 'Invalid value for model in longwire.yaml: expected FILE.gguf, or a list of them, but got 7.'],
    ['- port', 'longwire.yaml must be a mapping of options, such as "port: 8787".'],
    ['port: 1\nport: 2', 'longwire.yaml is not valid YAML: DUPLICATE_KEY in line 2.'],
    ['port: "1', 'longwire.yaml is not valid YAML: MISSING_CHAR in line 1.'],
  ])('is refused: %j', (yaml, message) => {
    expect(refusal({ yaml })).toBe(message);
  });

  it('is named when it cannot be read', () => {
    expect(refusal({ argv: ['--config', '/nowhere.yaml'] })).toBe(
      'Cannot read the configuration file /nowhere.yaml (ENOENT).',
    );
  });
});

describe('paths', () => {
  it('start from the working folder in flags, from its own folder in a file', () => {
    expect(load({ argv: ['--model', 'm.gguf'] }).engines.models).toEqual([resolve('m.gguf')]);
    expect(load({ yaml: 'model: m.gguf\ndata: ./store' })).toMatchObject({
      engines: { models: ['/etc/m.gguf'] },
      store: { dataPath: '/etc/store' },
    });
  });
});

describe('upstreams', () => {
  it('are called by their host where they have no name', () => {
    const argv = ['--upstream', 'http://127.0.0.1:8080/v1', '--upstream-api-key', '127.0.0.1:8080=abc'];
    const [upstream] = load({ argv }).engines.upstreams;
    expect(upstream?.name).toBe('127.0.0.1:8080');
    expect(upstream?.apiKey?.reveal()).toBe('abc');
  });

  it('may have their keys in the environment', () => {
    const argv = ['--upstream', 'a=http://x.example/v1', '--upstream-api-key', 'a=env:KEY_OF_A'];
    expect(load({ argv, env: { KEY_OF_A: 's=3' } }).engines.upstreams[0]?.apiKey?.reveal()).toBe('s=3');
    expect(refusal({ argv })).toBe(
      'upstream-api-key takes the key of a from the environment variable KEY_OF_A, which is not set.',
    );
  });

  it.each([
    [['--upstream', 'nonsense'], 'Invalid value for upstream: expected [NAME=]URL, such as http://127.0.0.1:8080/v1.'],
    [['--upstream', 'ftp://x/'], 'Invalid value for upstream: expected [NAME=]URL, such as http://127.0.0.1:8080/v1.'],
    [['--upstream', 'http://x/?a=1'], 'The URL of the upstream x must end with its path, such as /v1.'],
    [
      ['--upstream', 'http://x/v1', '--upstream', 'x=http://y/v1'],
      'Two upstreams have the name x: tell them apart with --upstream NAME=URL.',
    ],
    [
      ['--upstream', 'groq=http://x/v1', '--upstream-api-key', 'grok=abc'],
      'upstream-api-key names grok, which is no upstream. Did you mean groq?',
    ],
  ])('are refused: %j', (argv, message) => {
    expect(refusal({ argv })).toBe(message);
  });
});

describe('other checks', () => {
  it.each([['0.0.0.0'], ['::'], ['192.168.1.2'], ['example.com'], ['127.example.com']])(
    'listens on %s only with a key',
    (host) => {
      expect(refusal({ argv: ['--host', host] })).toBe(
        `Listening on ${host} lets others in, so it needs a key: add --api-key NAME=SECRET, or keep --host on 127.0.0.1.`,
      );
      expect(load({ argv: ['--host', host, '--api-key', 'a=b'] }).listen.host).toBe(host);
    },
  );

  it.each(['127.0.0.1', '127.3.2.1', 'localhost', '::1'])('needs no key on %s', (host) => {
    expect(load({ argv: ['--host', host] }).listen.host).toBe(host);
  });

  it('wants origins as browsers send them', () => {
    const allowed = load({ argv: ['--allow-origin', 'https://App.example:443/', '--allow-origin', '*'] }).listen;
    expect(allowed.allowedOrigins).toEqual(['https://app.example', '*']);
    expect(refusal({ argv: ['--allow-origin', 'app.example'] })).toMatch(
      /^Invalid value for allow-origin: expected an origin/,
    );
  });

  it('wants the ping to come before the peer counts as dead', () => {
    expect(refusal({ argv: ['--ping-interval-ms', '30000'] })).toMatch(/^dead-peer-ms must be longer/);
  });
});

describe('secrets', () => {
  const secret = 'sk-Very-Secret-0123456789';

  it('are kept as hashes that open their project', () => {
    const config = load({ argv: ['--api-key', `team=${secret}`, '--api-key', 'ops=env:OPS'], env: { OPS: 'x' } });
    const keyring = createKeyring(config.apiKeys);
    expect(keyring.authenticate(`Bearer ${secret}`)).toMatchObject({ project: 'team' });
    expect(keyring.authenticate('Bearer x')).toMatchObject({ project: 'ops' });
  });

  it('cannot be printed from the configuration', () => {
    const upstream = ['--upstream', 'a=http://x/v1', '--upstream-api-key', `a=${secret}`];
    const config = load({ argv: ['--api-key', `team=${secret}`, ...upstream] });
    const shown = [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      String(config.engines.upstreams[0]?.apiKey),
    ];
    for (const text of shown) expect(text).not.toContain(secret);
  });

  it.each<Given>([
    { argv: ['--api-key', secret] },
    { argv: ['--api-key', `${secret}==`] },
    { argv: ['--api-key', `=${secret}`] },
    { argv: ['--api-key', `bad name=${secret}`] },
    { argv: ['--api-key', `a=${secret} x`] },
    { argv: ['--api-key', `a=${secret}`, '--api-key', `b=${secret}`] },
    { argv: [`--api-kye=a=${secret}`] },
    { argv: ['--api-key', 'a=b', secret] },
    { argv: [secret] },
    { argv: ['--upstream-api-key', secret] },
    { argv: ['--upstream-api-key', `a=${secret}`] },
    { argv: ['--upstream', `http://user:${secret}@x/v1`] },
    { argv: ['--upstream', `http://${secret} x/v1`] },
    { env: { LONGWIRE_API_KEY: secret } },
    { env: { LONGWIRE_API_KYE: `a=${secret}` } },
    { yaml: `api-key: ${secret}` },
    { yaml: `api-key: {a: {b: ${secret}}}` },
    { yaml: `api-key: {a: "${secret}}` },
    { yaml: `api-key: &${secret}` },
    { yaml: `api-key: *${secret}` },
    { yaml: `"${secret}` },
    { yaml: secret },
  ])('are in no refusal: %j', (given) => {
    const message = refusal(given);
    expect(message).not.toContain(secret);
    expect(message).not.toContain('0123456789');
  });
});
