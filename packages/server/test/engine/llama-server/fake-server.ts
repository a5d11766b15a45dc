/**
 * A llama-server inside the test: its wire as llama-server 0.7.0 was seen to speak it, a vocabulary of characters, slots that keep
 * what they evaluated, and answers that the test gives.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { decode, encode, endOfTurn, isControl, template } from '../token-server/characters.ts';
import type { Body } from '../token-server/fake-prefix-server.ts';

/** A body of `POST /completion`, as far as tests look at it. */
export interface CompletionBody extends Body {
  readonly prompt: number[];
  readonly id_slot: number;
  readonly cache_prompt: boolean;
  readonly n_predict: number;
  readonly n_probs?: number;
  readonly json_schema?: unknown;
  readonly grammar?: string;
  readonly temperature?: number;
  readonly preserved_tokens: string[];
}

export interface FakeServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly completions: CompletionBody[];
  /** Paths and bodies of `/tokenize`. */
  readonly encoded: string[];
  /** What slots hold. */
  readonly slots: number[][];
  /** Generations that the client left before their end. */
  readonly left: { count: number };
  /** Says the answers from now on. */
  answer: (prompt: string) => string;
  /** Awaited before every token of an answer. */
  pace: (index: number) => Promise<void> | undefined;
  /** Answers a completion itself, where it is not null. */
  refuse: { status: number; body: unknown } | null;
  chatTemplate: string;
  modelPath: string;
  savesSlots: boolean;
}

export async function startFakeServer(slotCount = 2, contextTokens = 4096): Promise<FakeServer> {
  const files = new Map<string, number[]>();
  const state = {
    completions: [] as CompletionBody[],
    encoded: [] as string[],
    slots: Array.from({ length: slotCount }, (): number[] => []),
    left: { count: 0 },
    answer: (): string => 'Hello.',
    pace: (): Promise<void> | undefined => undefined,
    refuse: null as FakeServer['refuse'],
    chatTemplate: template,
    modelPath: '/models/fake.gguf',
    savesSlots: false,
  };
  const fake: FakeServer = Object.assign(state, { baseUrl: '', [Symbol.asyncDispose]: close });

  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = chunks.length === 0 ? null : (JSON.parse(Buffer.concat(chunks).toString()) as unknown);
      void handle(request.url ?? '', body, response);
    });
  });

  async function handle(path: string, body: unknown, response: http.ServerResponse): Promise<void> {
    const json = (status: number, answer: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(answer));
    };
    if (path === '/props') return json(200, props());
    if (path === '/models')
      return json(200, { object: 'list', data: [{ id: fake.modelPath, meta: { n_ctx: contextTokens } }] });
    if (path === '/tokenize') return json(200, tokenize(body as Parameters<typeof tokenize>[0]));
    if (path.startsWith('/slots/')) return moveSlot(path, body as { filename: string }, json);
    if (path === '/completion') return complete(body as CompletionBody, response, json);
    json(404, { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } });
  }

  const props = (): unknown => ({
    total_slots: slotCount,
    model_path: fake.modelPath,
    chat_template: fake.chatTemplate,
    bos_token: '',
    eos_token: '<|im_end|>',
    default_generation_settings: { n_ctx: contextTokens },
  });

  function tokenize(asked: { content: string; parse_special: boolean; with_pieces?: boolean }): unknown {
    fake.encoded.push(asked.content);
    const tokens = encode(asked.content, asked.parse_special);
    return { tokens: asked.with_pieces ? tokens.map((id) => ({ id, piece: decode([id]) })) : tokens };
  }

  function moveSlot(
    path: string,
    { filename }: { filename: string },
    json: (status: number, body: unknown) => void,
  ): void {
    const [, id, action] = /^\/slots\/(\d+)\?action=(\w+)$/.exec(path) ?? [];
    if (!fake.savesSlots)
      return json(501, {
        error: { code: 501, message: 'This server does not support slots action.', type: 'not_supported_error' },
      });
    if (action === 'save') files.set(filename, [...(fake.slots[Number(id)] ?? [])]);
    else fake.slots[Number(id)] = [...(files.get(filename) ?? [])];
    json(200, { id_slot: Number(id), filename });
  }

  async function complete(
    body: CompletionBody,
    response: http.ServerResponse,
    json: (status: number, body: unknown) => void,
  ): Promise<void> {
    fake.completions.push(body);
    if (fake.refuse !== null) return json(fake.refuse.status, fake.refuse.body);
    const held = (body.cache_prompt ? fake.slots[body.id_slot] : null) ?? [];
    let cached = 0;
    while (cached < body.prompt.length - 1 && cached < held.length && held[cached] === body.prompt[cached]) cached += 1;
    const slot = (fake.slots[body.id_slot] = [...body.prompt]);
    let isOpen = true;
    response.on('close', () => {
      isOpen = false;
      if (!response.writableFinished) fake.left.count += 1;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (event: unknown): boolean => response.write(`data: ${JSON.stringify(event)}\n\n`);
    const common = { index: 0, stop: false, id_slot: -1, tokens_evaluated: body.prompt.length };
    send({
      ...common,
      content: '',
      tokens: [0],
      tokens_predicted: 0,
      prompt_progress: { total: body.prompt.length, cache: cached, processed: body.prompt.length, time_ms: 1 },
    });

    const ids = [...encode(fake.answer(decode(body.prompt)), false), endOfTurn].slice(0, Math.max(1, body.n_predict));
    let pending: number[] = [];
    for (const [index, id] of ids.entries()) {
      await fake.pace(index);
      if (!isOpen) return;
      pending.push(id);
      if (id !== endOfTurn) slot.push(id);
      const text = new TextDecoder().decode(Uint8Array.from(pending.filter((each) => !isControl(each))), {
        stream: true,
      });
      // A character that is not complete is not sent, and the ids of its first tokens never are.
      if (text === '' && id !== endOfTurn) continue;
      const probability = { id, token: text, bytes: [...Buffer.from(text)], logprob: -0.5 };
      send({
        ...common,
        content: text,
        tokens: [id],
        tokens_predicted: index + 1,
        ...(body.n_probs ? { completion_probabilities: [{ ...probability, top_logprobs: [probability] }] } : {}),
      });
      pending = [];
    }
    send({
      stop: true,
      stop_type: ids.at(-1) === endOfTurn ? 'eos' : 'limit',
      tokens_predicted: ids.length,
      timings: { cache_n: cached, prompt_n: body.prompt.length - cached, predicted_n: ids.length },
    });
    response.end();
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
