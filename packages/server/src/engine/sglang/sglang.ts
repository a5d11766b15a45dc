/**
 * The engine in front of SGLang: token ids to `/generate`, and ids back. The server's radix cache finds the ids that it has evaluated
 * before, so that a turn costs it the delta.
 */
import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine.ts';
import type { TokenContext } from '../token-chain/context.ts';
import type { ServerCalls } from '../token-server/calls.ts';
import type { AnswerPart, Question } from '../token-server/generate.ts';
import { findPrefixServer } from '../token-server/prefix-server.ts';
import type { PrefixServerOptions } from '../token-server/prefix-server.ts';
import { createTokenServerEngine } from '../token-server/token-server.ts';
import type { TokenServer } from '../token-server/token-server.ts';
import { toGenerateBody } from './request.ts';
import { AnswerReader } from './stream.ts';
import type { GenerateChunk, ServerInfo } from './wire.ts';

/** An engine for one SGLang. No connection is opened before the first question. Throws a `TypeError` for a base URL that is none. */
export function createSglangEngine(options: PrefixServerOptions): Engine<TokenContext> {
  const find = async (calls: ServerCalls, known: TokenServer | null): Promise<TokenServer> => {
    const facts = options.tokenizer ?? null;
    if (facts === null) throw calls.unusable('does not tell its tokenizer: the folder of its tokenizer must be named');
    const incremental = await isIncremental(calls);
    const answers = new Answers(calls, incremental, options.seed ?? null);
    const dialect = incremental ? 'incremental' : '';
    return findPrefixServer(calls, known, { chatTemplate: options.chatTemplate ?? null, facts, answers, dialect });
  };
  return createTokenServerEngine({ modelsPath: '/v1/models', find }, options);
}

async function isIncremental(calls: ServerCalls): Promise<boolean> {
  const info = (await calls.find('/server_info')) ?? (await calls.find('/get_server_info'));
  return (info as ServerInfo | null)?.incremental_streaming_output ?? false;
}

/** Asks for answers. SGLang notices a closed connection after seconds only, so an answer that is left is stopped by its id. */
class Answers {
  readonly #calls: ServerCalls;
  readonly #isIncremental: boolean;
  readonly #seed: number | null;
  readonly #stopping = new Set<Promise<unknown>>();

  constructor(calls: ServerCalls, incremental: boolean, seed: number | null) {
    this.#calls = calls;
    this.#isIncremental = incremental;
    this.#seed = seed;
  }

  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<readonly AnswerPart[], void> {
    const rid = randomUUID();
    const body = toGenerateBody(question, { rid, seed: this.#seed });
    const reader = new AnswerReader(this.#isIncremental, this.#calls);
    let hasEnded = false;
    try {
      for await (const chunks of this.#calls.stream<GenerateChunk>(
        '/generate',
        body,
        {},
        signal,
        question.request.trace,
      )) {
        const parts = chunks.map((chunk) => reader.read(chunk));
        hasEnded ||= parts.at(-1)?.reason !== undefined;
        yield parts;
      }
      hasEnded = true;
    } finally {
      if (!hasEnded) this.#stop(rid);
    }
  }

  async drain(): Promise<void> {
    await Promise.all(this.#stopping);
  }

  /** A server that cannot be told notices by itself, later. */
  #stop(rid: string): void {
    const stopping: Promise<unknown> = this.#calls
      .attempt('/abort_request', { rid })
      .catch(() => {})
      .finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }
}
