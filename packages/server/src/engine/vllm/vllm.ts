/**
 * The engine in front of vLLM: token ids to `/v1/completions`, and ids back. The server's prefix cache finds the ids that it has evaluated
 * before, so that a turn costs it the delta.
 */
import type { Engine } from '../engine.ts';
import type { TokenContext } from '../token-chain/context.ts';
import type { ServerCalls } from '../token-server/calls.ts';
import type { Answers } from '../token-server/generate.ts';
import { findPrefixServer } from '../token-server/prefix-server.ts';
import type { PrefixServerOptions } from '../token-server/prefix-server.ts';
import { createTokenServerEngine } from '../token-server/token-server.ts';
import type { TokenServer } from '../token-server/token-server.ts';
import { toFacts } from '../token-server/tokenizer.ts';
import type { TokenizerFacts } from '../token-server/tokenizer.ts';
import { toCompletionBody } from './request.ts';
import { echoTrimmed, toAnswerPart } from './stream.ts';

/** An engine for one vLLM. No connection is opened before the first question. Throws a `TypeError` for a base URL that is none. */
export function createVllmEngine(options: PrefixServerOptions): Engine<TokenContext> {
  const find = async (calls: ServerCalls, known: TokenServer | null): Promise<TokenServer> => {
    const facts = options.tokenizer ?? (await findTokenizer(calls));
    const answers = createAnswers(calls, options.seed ?? null);
    return findPrefixServer(calls, known, { chatTemplate: options.chatTemplate ?? null, facts, answers, dialect: '' });
  };
  return createTokenServerEngine({ modelsPath: '/v1/models', find }, options);
}

function createAnswers(calls: ServerCalls, seed: number | null): Answers {
  return {
    async *ask(question, signal) {
      const body = toCompletionBody(question, seed);
      const { settings, trace } = question.request;
      const { top_logprobs: top } = settings;
      for await (const chunks of calls.stream('/v1/completions', body, echoTrimmed, signal, trace))
        yield chunks.map((chunk) => toAnswerPart(chunk, top, calls));
    },
    // A closed connection stops vLLM.
    drain: () => Promise.resolve(),
  };
}

async function findTokenizer(calls: ServerCalls): Promise<TokenizerFacts> {
  const facts = toFacts(await calls.find('/tokenizer_info'));
  if (facts !== null) return facts;
  throw calls.unusable(
    'does not tell its tokenizer: it must be started with --enable-tokenizer-info-endpoint, or the folder of its tokenizer be named',
  );
}
