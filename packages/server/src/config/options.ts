/**
 * Every option, once. Flags, environment variables, YAML keys, their checks and `--help` are all derived from this table:
 * `max-lanes` here is `--max-lanes`, `LONGWIRE_MAX_LANES` and `max-lanes:` in YAML.
 */
import { rolloutNames } from '../workloads/rollouts.ts';
import type { Option } from './option.ts';

/** A day. Node's timers cannot wait for more than 24. */
const maxDelayMs = 86_400_000;
const mebibyte = 2 ** 20;

/** The word that stands for the built-in demo model where a model's path is expected. */
export const demoModel = 'demo';

/** The table, in the order of `--help`. */
export const options = {
  config: {
    group: 'General',
    kind: 'path',
    argument: 'FILE',
    default: null,
    outsideYaml: true,
    about: 'YAML file with any of the options below; flags and environment variables win over it.',
  },

  host: {
    group: 'Listening',
    kind: 'text',
    argument: 'ADDRESS',
    default: '127.0.0.1',
    about: 'Address to listen on. Any other than loopback needs an --api-key.',
  },
  port: {
    group: 'Listening',
    kind: 'integer',
    default: 8787,
    min: 0,
    max: 65_535,
    about: 'Port to listen on; 0 takes a free one.',
  },
  websocket: {
    group: 'Listening',
    kind: 'switch',
    default: true,
    about: 'WebSocket mode; off answers upgrades with 426, and clients fall back to HTTP.',
  },
  'metrics-address': {
    group: 'Listening',
    kind: 'text',
    argument: '[HOST:]PORT',
    default: null,
    about:
      'Where to listen for GET /metrics in the form of Prometheus, such as 127.0.0.1:9464; nowhere by default. It asks for no key.',
  },
  'metrics-projects': {
    group: 'Listening',
    kind: 'switch',
    default: false,
    about: 'Count turns and tokens by project too; metrics then hold the names of the projects.',
  },
  'allow-origin': {
    group: 'Listening',
    kind: 'text',
    argument: 'ORIGIN',
    repeatable: true,
    about: 'Web origin whose pages may connect, such as https://app.example, or * for all; none by default.',
  },

  model: {
    group: 'Models',
    kind: 'path',
    argument: 'FILE.gguf',
    repeatable: true,
    words: [demoModel],
    about: 'Model to run inside this process; the word "demo" is the built-in one, served when nothing else is named.',
  },
  seed: {
    group: 'Models',
    kind: 'integer',
    default: 'random',
    min: 0,
    max: 2 ** 31 - 1,
    words: ['random'],
    about:
      'Seed of the sampling of models that run here, which makes their answers repeatable; "random" takes a fresh one each time.',
  },
  'kv-spill-bytes': {
    group: 'Models',
    kind: 'integer',
    default: 256 * mebibyte,
    min: 0,
    max: 2 ** 40,
    about:
      'Bytes of files in memory, never on a disk, for the state of idle conversations with models that run here, when others need their place; 0 keeps none.',
  },
  upstream: {
    group: 'Models',
    kind: 'text',
    argument: '[NAME=]URL',
    repeatable: true,
    pairs: true,
    about:
      'Chat-completions server to stand in front of, such as http://127.0.0.1:8080/v1; responses+URL for one that speaks the Responses API, llama-server+URL, vllm+URL or sglang+URL for those by token ids.',
  },
  'upstream-api-key': {
    group: 'Models',
    kind: 'text',
    argument: 'NAME=KEY',
    repeatable: true,
    pairs: true,
    secret: true,
    about: 'Key that the upstream of this name wants (its host where unnamed); KEY may be env:VARIABLE.',
  },
  'upstream-tokenizer': {
    group: 'Models',
    kind: 'text',
    argument: 'NAME=FOLDER',
    repeatable: true,
    pairs: true,
    about: 'Folder with the tokenizer files of the upstream of this name, where vLLM or SGLang does not tell its own.',
  },
  provider: {
    group: 'Models',
    kind: 'text',
    argument: 'NAME=PACKAGE#MODEL',
    repeatable: true,
    pairs: true,
    about: 'Installed Vercel AI SDK package to answer with, such as anthropic=@ai-sdk/anthropic#claude-sonnet-4-5.',
  },
  scripted: {
    group: 'Models',
    kind: 'path',
    argument: 'FILE.jsonl',
    default: null,
    words: rolloutNames,
    about: `Workload to replay in place of a model, for tests and measurements; ${rolloutNames.join(', ')} come along.`,
  },
  'scripted-rate': {
    group: 'Models',
    kind: 'integer',
    default: 'instant',
    min: 1,
    max: 1_000_000,
    words: ['instant'],
    about: 'Tokens a second of the replay, or "instant".',
  },

  'api-key': {
    group: 'Access',
    kind: 'text',
    argument: 'NAME=SECRET',
    repeatable: true,
    pairs: true,
    secret: true,
    about: 'Key that clients must send, and the project it opens; SECRET may be env:VARIABLE.',
  },

  'subprotocol-keys': {
    group: 'Access',
    kind: 'switch',
    default: false,
    about:
      'Take the key of a socket from its subprotocol openai-insecure-api-key.KEY too, as web pages send it; whoever can see the page has the key.',
  },

  'sealing-key': {
    group: 'Access',
    kind: 'text',
    argument: 'KEY',
    repeatable: true,
    secret: true,
    about:
      'Key for what clients keep sealed, 32 bytes in base64 or env:VARIABLE: the first seals, all open; made in the data folder by default.',
  },

  store: {
    group: 'Store',
    kind: 'choice',
    default: 'sqlite',
    choices: ['sqlite', 'memory', 'off'],
    about: 'Where responses with store:true live.',
  },
  data: {
    group: 'Store',
    kind: 'path',
    argument: 'FOLDER',
    default: null,
    about: "Folder of the store's files; the user's own data folder by default.",
  },
  'zero-retention': {
    group: 'Store',
    kind: 'switch',
    default: false,
    about: 'Treat every request as store:false: nothing is written down.',
  },

  'zero-retention-project': {
    group: 'Store',
    kind: 'text',
    argument: 'NAME',
    repeatable: true,
    about: 'Project whose every request is treated as store:false.',
  },
  'retention-days': {
    group: 'Store',
    kind: 'integer',
    default: 30,
    min: 1,
    max: 36_500,
    about: 'Days for which a chain of responses is kept after its newest one.',
  },
  'max-stored-responses': {
    group: 'Store',
    kind: 'integer',
    default: 1_000_000,
    min: 1,
    max: 1_000_000_000,
    about: 'Responses that the store keeps; beyond them the chains used longest ago go.',
  },
  'max-stored-bytes': {
    group: 'Store',
    kind: 'integer',
    default: 16 * 1024 * mebibyte,
    min: mebibyte,
    max: 2 ** 50,
    about: 'Bytes that the store may take; beyond them the chains used longest ago go.',
  },

  'max-frame-bytes': {
    group: 'Limits',
    kind: 'integer',
    default: 64 * mebibyte,
    min: 1024,
    max: 512 * mebibyte,
    about: 'Largest message or HTTP body that a client may send.',
  },
  'outbound-limit-bytes': {
    group: 'Limits',
    kind: 'integer',
    default: mebibyte,
    min: 16_384,
    max: 1024 * mebibyte,
    about: 'Bytes waiting for a slow reader before its turns pause.',
  },
  'max-lanes': {
    group: 'Limits',
    kind: 'integer',
    default: 32,
    min: 0,
    max: 4096,
    about: 'Distinct stream ids on one connection; 0 turns lanes off: one response at a time.',
  },
  'max-in-flight': {
    group: 'Limits',
    kind: 'integer',
    default: 16,
    min: 1,
    max: 4096,
    about: 'Turns that run at once on one connection.',
  },
  'max-queued': {
    group: 'Limits',
    kind: 'integer',
    default: 256,
    min: 0,
    max: 65_536,
    about: 'Requests that may wait on one connection.',
  },
  'max-pending-steers': {
    group: 'Limits',
    kind: 'integer',
    default: 16,
    min: 1,
    max: 4096,
    about: 'Steers that may wait for one response.',
  },

  'max-background': {
    group: 'Limits',
    kind: 'integer',
    default: 16,
    min: 1,
    max: 4096,
    about: 'Background responses that run at once; more are queued.',
  },

  'resume-buffer-bytes': {
    group: 'Limits',
    kind: 'integer',
    default: 4 * mebibyte,
    min: 262_144,
    max: 1024 * mebibyte,
    about: 'Unacknowledged bytes that a resumable connection keeps before its turns pause.',
  },
  'resume-memory-bytes': {
    group: 'Limits',
    kind: 'integer',
    default: 256 * mebibyte,
    min: mebibyte,
    max: 2 ** 40,
    about: 'The same for all resumable connections together; those that wait longest for a socket go first.',
  },
  'resume-max-detached': {
    group: 'Limits',
    kind: 'integer',
    default: 1024,
    min: 1,
    max: 1_000_000,
    about: 'Resumable connections that may wait for a socket; the one that has waited longest goes first.',
  },

  'idempotency-buffer-bytes': {
    group: 'Limits',
    kind: 'integer',
    default: 4 * mebibyte,
    min: 65_536,
    max: 1024 * mebibyte,
    about:
      'Bytes of events kept for a response with an idempotency key, about; one that has more cannot be attached to.',
  },
  'idempotency-memory-bytes': {
    group: 'Limits',
    kind: 'integer',
    default: 256 * mebibyte,
    min: mebibyte,
    max: 2 ** 40,
    about: 'The same for all of them together; the events of those that ended first go first.',
  },

  'connection-lifetime-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 3_600_000,
    min: 1000,
    max: maxDelayMs,
    about: 'Age at which a connection is asked to reconnect, between turns; up to 5 % earlier.',
  },
  'connection-grace-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 300_000,
    min: 0,
    max: maxDelayMs,
    about: 'How long running turns may go on when their connection is too old.',
  },
  'resume-grace-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 30_000,
    min: 0,
    max: maxDelayMs,
    about: 'How long a connection whose socket was cut waits for its client to resume it; 0 makes none resumable.',
  },
  'idempotency-window-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 60_000,
    min: 0,
    max: maxDelayMs,
    about: 'How long a response with an idempotency key can be attached to after its end; 0 ignores such keys.',
  },
  'ping-interval-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 4_500,
    min: 100,
    max: maxDelayMs,
    about: 'Time between WebSocket pings.',
  },
  'dead-peer-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 9_000,
    min: 200,
    max: maxDelayMs,
    about: 'Silence, pongs included, after which a connection counts as dead.',
  },
  'keepalive-event-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 20_000,
    min: 0,
    max: maxDelayMs,
    about: 'Silence of a running turn after which the client gets a keep-alive event; 0 sends none.',
  },
  'first-event-timeout-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 300_000,
    min: 0,
    max: maxDelayMs,
    about: 'How long an engine may take to its first token; 0 means for ever.',
  },
  'stall-timeout-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 120_000,
    min: 0,
    max: maxDelayMs,
    about: 'How long an engine may be silent between tokens; 0 means for ever.',
  },
  'slow-reader-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 30_000,
    min: 100,
    max: maxDelayMs,
    about: 'How long a reader may leave outbound-limit-bytes waiting before its connection is closed.',
  },
  'drain-timeout-ms': {
    group: 'Timers',
    kind: 'integer',
    default: 30_000,
    min: 0,
    max: maxDelayMs,
    about: 'How long running turns may take to finish when the server is told to stop.',
  },

  'log-level': {
    group: 'Log',
    kind: 'choice',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    about: 'Least important entries that are written.',
  },
  'log-format': {
    group: 'Log',
    kind: 'choice',
    default: 'pretty',
    choices: ['pretty', 'json'],
    about: 'Lines for people or for machines.',
  },
} as const satisfies Record<string, Option>;

/** The name of an option. */
export type OptionName = keyof typeof options;

type ValueOf<Row> = Row extends { readonly repeatable: true }
  ? readonly string[]
  : Row extends { readonly kind: 'switch' }
    ? boolean
    : Row extends { readonly kind: 'choice'; readonly choices: readonly (infer Choice)[] }
      ? Choice
      : Row extends { readonly kind: 'integer'; readonly words: readonly (infer Word)[] }
        ? number | Word
        : Row extends { readonly kind: 'integer' }
          ? number
          : Row extends { readonly default: null }
            ? string | null
            : string;

/** A checked value for every option. */
export type OptionValues = { readonly [Name in OptionName]: ValueOf<(typeof options)[Name]> };

/** Whether the table has a row of this name. */
export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(options, name);
}

/** Names in the order of the table. */
export const optionNames = Object.keys(options) as readonly OptionName[];

/** The row of an option, without the literal types of the table. */
export function optionOf(name: OptionName): Option {
  return options[name];
}

/** `max-lanes` as `LONGWIRE_MAX_LANES`. */
export function environmentName(name: OptionName): string {
  return `LONGWIRE_${name.replaceAll('-', '_').toUpperCase()}`;
}
