/** What runs on a llama-server: its template, its vocabulary, its slots. */
import { randomUUID } from 'node:crypto';
import { createChatTemplate } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import { PromptBuilder } from '../token-chain/prompt.ts';
import { SequencePool } from '../token-chain/sequences.ts';
import type { ServerCalls } from '../token-server/calls.ts';
import type { TokenServer, TokenServerOptions } from '../token-server/token-server.ts';
import { LlamaServerApi } from './api.ts';
import { generate, warm } from './generate.ts';
import type { Generator } from './generate.ts';
import { RemoteSlot } from './slot.ts';
import { createRemoteVocabulary } from './vocabulary.ts';
import type { Props } from './wire.ts';

const defaultContextTokens = 4096;

/** As `ServerKind.find`. */
export async function findServer(
  calls: ServerCalls,
  known: TokenServer | null,
  options: TokenServerOptions,
): Promise<TokenServer> {
  const api = new LlamaServerApi(calls);
  const props = await api.props();
  const fingerprint = toFingerprint(props);
  if (known?.fingerprint === fingerprint) return known;

  const source = options.chatTemplate ?? props.chat_template ?? null;
  const vocabulary = await createRemoteVocabulary(api, props.bos_token ?? '', props.eos_token ?? '', source ?? '');
  const template = await createChatTemplate(source, vocabulary);
  const contextTokens = props.default_generation_settings?.n_ctx ?? defaultContextTokens;
  const files = { areRefused: false, prefix: `longwire-${randomUUID()}` };
  const slots = Array.from({ length: Math.max(1, props.total_slots ?? 1) }, (_, id) => new RemoteSlot(id, api, files));
  const pool = new SequencePool(slots);
  const closing = await template.closing();
  const encode = async (text: string): Promise<readonly Token[]> => (await template.written(text)).tokens;
  const generator: Generator = { api, pool, contextTokens, closing, encode, seed: options.seed ?? null };
  return {
    prompts: new PromptBuilder(template, contextTokens),
    fingerprint,
    generate: (request, prompt, signal) => generate(generator, request, prompt, signal),
    async warm(request, prompt, _, closing) {
      const known = pool.cached(prompt.span);
      // A warm-up that fails costs time only: the generation evaluates what is missing, and fails visibly if it must.
      if (prompt.length > known) warm(generator, request, prompt, closing).catch(() => {});
      return known;
    },
    reading: () => pool.reading(),
    drain: () => pool.drain(),
  };
}

/** Tells servers apart by what their prompts depend on. */
function toFingerprint({ model_path, chat_template, total_slots, default_generation_settings }: Props): string {
  return JSON.stringify([model_path, chat_template, total_slots, default_generation_settings?.n_ctx]);
}
