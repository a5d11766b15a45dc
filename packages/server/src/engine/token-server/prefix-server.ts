/** From a server that keeps prefixes by itself to one that the engine knows: its tokenizer, its template, its length. */
import { createChatTemplate } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import { toEngineModels } from '../http/models.ts';
import { PromptBuilder } from '../token-chain/prompt.ts';
import type { ServerCalls } from './calls.ts';
import { generate, warm } from './generate.ts';
import type { Answers, PrefixServer } from './generate.ts';
import { ServerVocabulary } from './tokenizer.ts';
import type { TokenizerFacts } from './tokenizer.ts';
import type { TokenServer, TokenServerOptions } from './token-server.ts';

/** Where such a server is. */
export interface PrefixServerOptions extends TokenServerOptions {
  /** What the model's tokenizer files say, where the server does not tell it. */
  readonly tokenizer?: TokenizerFacts | null | undefined;
}

const defaultContextTokens = 4096;

/** What is not the same with all of them. */
interface Particulars {
  /** In place of the tokenizer's own. */
  readonly chatTemplate: string | null;
  readonly facts: TokenizerFacts;
  readonly answers: Answers;
  /** In which of several ways the server speaks. */
  readonly dialect: string;
}

/** As `ServerKind.find`: these servers encode texts at `/tokenize` and list their models in the same way. */
export async function findPrefixServer(
  calls: ServerCalls,
  known: TokenServer | null,
  { chatTemplate, facts, answers, dialect }: Particulars,
): Promise<TokenServer> {
  const models = toEngineModels(await calls.get('/v1/models'));
  const fingerprint = JSON.stringify([models.map(({ id, contextTokens }) => [id, contextTokens]), facts, dialect]);
  if (known?.fingerprint === fingerprint) return known;

  const vocabulary = new ServerVocabulary(facts, (text) => tokenize(calls, text));
  const template = await createChatTemplate(chatTemplate ?? facts.chatTemplate, vocabulary);
  const contextTokens = models[0]?.contextTokens ?? defaultContextTokens;
  const server: PrefixServer = {
    contextTokens,
    closing: await template.closing(),
    answers,
    encode: async (text) => (await template.written(text)).tokens,
    unusable: (what) => calls.unusable(what),
  };
  return {
    prompts: new PromptBuilder(template, contextTokens),
    fingerprint,
    generate: (request, prompt, signal) => generate(server, request, prompt, signal),
    warm: (request, prompt, signal) => warm(server, request, prompt, signal),
    drain: () => answers.drain(),
  };
}

async function tokenize(calls: ServerCalls, prompt: string): Promise<readonly Token[]> {
  const answer = (await calls.post('/tokenize', { prompt, add_special_tokens: false })) as { tokens?: Token[] };
  if (!Array.isArray(answer.tokens)) throw calls.unusable('did not encode a text');
  return answer.tokens;
}
