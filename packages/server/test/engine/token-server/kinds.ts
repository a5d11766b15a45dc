/** The servers that take token ids, played inside the test as each of them speaks, and the engines in front of them. */
import type { Engine } from '../../../src/engine/engine.ts';
import { createLlamaServerEngine } from '../../../src/engine/llama-server/llama-server.ts';
import { createSglangEngine } from '../../../src/engine/sglang/sglang.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import type { PrefixServerOptions } from '../../../src/engine/token-server/prefix-server.ts';
import { toFacts } from '../../../src/engine/token-server/tokenizer.ts';
import { createVllmEngine } from '../../../src/engine/vllm/vllm.ts';
import { startFakeServer } from '../llama-server/fake-server.ts';
import { createSglangDialect } from '../sglang/dialect.ts';
import { vllmDialect } from '../vllm/dialect.ts';
import { tokenizerConfig } from './characters.ts';
import { startFakePrefixServer } from './fake-prefix-server.ts';
import type { Body, Dialect, FakePrefixServer, Rule } from './fake-prefix-server.ts';

/** What all of them can be made to do. */
type Played = Pick<FakePrefixServer, 'baseUrl' | 'encoded' | 'left' | 'answer' | 'pace' | 'refuse'> & AsyncDisposable;

/** One kind of server. */
export interface Kind<Server extends Played = Played> {
  /** `asked`: the bodies of requests for an answer, as they come. */
  start(): Promise<{ readonly server: Server; readonly asked: readonly Body[] }>;
  create(options: PrefixServerOptions): Engine<TokenContext>;
  promptOf(body: Body): number[];
  ruleOf(body: Body): Rule;
}

/** A server, and the engine in front of it. */
export interface Setup<Server extends Played = Played> extends AsyncDisposable {
  readonly server: Server;
  readonly engine: Engine<TokenContext>;
  /** The prompts of all requests so far. */
  prompts(): number[][];
  /** What their answers are held to. */
  rules(): Rule[];
}

export async function setUp<Server extends Played>(
  kind: Kind<Server>,
  options: Partial<PrefixServerOptions> = {},
): Promise<Setup<Server>> {
  const { server, asked } = await kind.start();
  const tokenizer = toFacts(tokenizerConfig);
  const engine = kind.create({ name: 'upstream', baseUrl: `${server.baseUrl}/v1`, tokenizer, ...options });
  return {
    server,
    engine,
    prompts: () => asked.map((body) => kind.promptOf(body)),
    rules: () => asked.map((body) => kind.ruleOf(body)),
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function toKind(dialect: Dialect, create: Kind['create']): Kind<FakePrefixServer> {
  const start: Kind<FakePrefixServer>['start'] = async () => {
    const server = await startFakePrefixServer(dialect);
    return { server, asked: server.asked };
  };
  return { start, create, promptOf: (body) => dialect.promptOf(body), ruleOf: (body) => dialect.ruleOf(body) };
}

/** Those that find prefixes by themselves. */
export const prefixKinds = {
  vllm: toKind(vllmDialect, createVllmEngine),
  sglang: toKind(createSglangDialect(), createSglangEngine),
  'sglang (incremental)': toKind(createSglangDialect('incremental'), createSglangEngine),
  'sglang (older)': toKind(createSglangDialect('new ids, all text'), createSglangEngine),
};

export const kinds: Readonly<Record<string, Kind>> = {
  ...prefixKinds,
  'llama-server': {
    async start() {
      const server = await startFakeServer();
      return { server, asked: server.completions };
    },
    create: createLlamaServerEngine,
    promptOf: (body) => body['prompt'] as number[],
    ruleOf: ({ json_schema: schema = null, grammar = null }) => ({ schema, grammar }),
  },
};
