/**
 * A server inside the test that keeps prefixes by itself: a vocabulary of characters, every prompt and answer remembered, answers that
 * the test gives. How it speaks is the dialect's: see `../vllm/dialect.ts` and `../sglang/dialect.ts`.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { decode, encode, endOfTurn, isControl, toReads } from './characters.ts';

/** A request for an answer, as JSON. */
export type Body = Readonly<Record<string, unknown>>;

/** What an answer is held to, as the wire says it; null: nothing. */
export interface Rule {
  readonly schema: unknown;
  readonly grammar: unknown;
}

/** What an answer's events are made of. */
export interface Answer {
  readonly body: Body;
  readonly prompt: readonly number[];
  /** Ids, the end of turn among them, each with the text that it completes. */
  readonly reads: readonly { readonly ids: readonly number[]; readonly text: string }[];
  readonly cached: number;
  /** Whether the answer was cut at its limit. */
  readonly isCut: boolean;
}

/** How a server speaks. */
export interface Dialect {
  /** Where answers are asked for. */
  readonly path: string;
  promptOf(body: Body): number[];
  limitOf(body: Body): number;
  /** What an answer is held to. */
  ruleOf(body: Body): Rule;
  /** What other paths say; undefined for those that do not exist. */
  answerTo(path: string, body: Body): unknown;
  /** One for each of `reads`, and what follows them. */
  events(answer: Answer): Iterable<unknown>;
}

export interface FakePrefixServer extends AsyncDisposable {
  readonly baseUrl: string;
  /** Requests for an answer. */
  readonly asked: Body[];
  /** Texts of `/tokenize`. */
  readonly encoded: string[];
  /** Answers that the client left before their end. */
  readonly left: { count: number };
  /** Says the answers from now on. */
  answer: (prompt: string) => string;
  /** Awaited before every event of an answer. */
  pace: (index: number) => Promise<void> | undefined;
  /** Ids that come together. */
  idsPerRead: number;
  /** Answers a request itself, where it is not null. */
  refuse: { status: number; body: unknown } | null;
  /** Said in place of an answer's end, where it is not null. */
  breakWith: unknown;
}

/** Prefixes are kept in blocks of so many ids. */
export const blockIds = 4;
export const contextTokens = 4096;

export async function startFakePrefixServer(dialect: Dialect): Promise<FakePrefixServer> {
  const known: number[][] = [];
  const fake: FakePrefixServer = {
    baseUrl: '',
    asked: [],
    encoded: [],
    left: { count: 0 },
    answer: () => 'Hello.',
    pace: () => undefined,
    idsPerRead: 1,
    refuse: null,
    breakWith: null,
    [Symbol.asyncDispose]: close,
  };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Body);
      void handle(request.url ?? '', body, response);
    });
  });

  async function handle(path: string, body: Body, response: http.ServerResponse): Promise<void> {
    if (path === dialect.path && fake.refuse === null) return say(body, response);
    const { status, body: answer } = path === dialect.path && fake.refuse ? fake.refuse : plain(path, body);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  function plain(path: string, body: Body): { status: number; body: unknown } {
    const own = dialect.answerTo(path, body);
    if (own !== undefined) return { status: 200, body: own };
    if (path === '/v1/models')
      return { status: 200, body: { object: 'list', data: [{ id: 'fake', max_model_len: contextTokens }] } };
    if (path !== '/tokenize') return { status: 404, body: { detail: 'Not Found' } };
    const text = String(body['prompt']);
    fake.encoded.push(text);
    const tokens = encode(text, true);
    return { status: 200, body: { tokens, count: tokens.length, max_model_len: contextTokens } };
  }

  async function say(body: Body, response: http.ServerResponse): Promise<void> {
    fake.asked.push(body);
    const prompt = dialect.promptOf(body);
    let isOpen = true;
    response.on('close', () => {
      isOpen = false;
      if (!response.writableFinished) fake.left.count += 1;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const whole = [...encode(fake.answer(decode(prompt)), false), endOfTurn];
    const ids = whole.slice(0, dialect.limitOf(body));
    const cached = Math.max(0, ...known.map((each) => sharedBlocks(each, prompt)));
    known.push([...prompt, ...ids.filter((id) => !isControl(id))]);
    const reads = joined(toReads(ids), fake.idsPerRead);
    let index = 0;
    for (const event of dialect.events({ body, prompt, reads, cached, isCut: ids.length < whole.length })) {
      await fake.pace(index);
      if (!isOpen) return;
      index += 1;
      if (index === reads.length && fake.breakWith !== null) {
        response.write(`data: ${JSON.stringify(fake.breakWith)}\n\n`);
        break;
      }
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    }
    response.end('data: [DONE]\n\n');
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Ids of whole blocks that two prompts share; the last id is always evaluated. */
function sharedBlocks(known: readonly number[], prompt: readonly number[]): number {
  let shared = 0;
  while (shared < prompt.length - 1 && known[shared] === prompt[shared]) shared += 1;
  return shared - (shared % blockIds);
}

function joined(reads: Answer['reads'], size: number): Answer['reads'] {
  const groups = Array.from({ length: Math.ceil(reads.length / size) }, (_, index) =>
    reads.slice(index * size, (index + 1) * size),
  );
  return groups.map((group) => ({
    ids: group.flatMap(({ ids }) => ids),
    text: group.map(({ text }) => text).join(''),
  }));
}
