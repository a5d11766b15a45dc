/** What runs on a llama-server: its template, its vocabulary, its slots. Asked for at the first turn, and again when it is another. */
import { randomUUID } from 'node:crypto';
import { createChatTemplate } from '../chat-template/template.ts';
import { PromptBuilder } from '../token-chain/prompt.ts';
import { SequencePool } from '../token-chain/sequences.ts';
import type { LlamaServerApi } from './api.ts';
import type { Generator } from './generate.ts';
import { RemoteSlot } from './slot.ts';
import { createRemoteVocabulary } from './vocabulary.ts';
import type { Props } from './wire.ts';

/** A server that is known. */
export interface Runtime {
  readonly generator: Generator;
  readonly prompts: PromptBuilder;
  /** Equal as long as the server runs the same model in the same way. */
  readonly fingerprint: string;
}

const defaultContextTokens = 4096;

/** Tells servers apart by what their prompts depend on. */
export function toFingerprint({ model_path, chat_template, total_slots, default_generation_settings }: Props): string {
  return JSON.stringify([model_path, chat_template, total_slots, default_generation_settings?.n_ctx]);
}

/** Asks a server for all that prompts need. Throws catalogue errors. */
export async function createRuntime(api: LlamaServerApi, props: Props, chatTemplate: string | null): Promise<Runtime> {
  const source = chatTemplate ?? props.chat_template ?? null;
  const vocabulary = await createRemoteVocabulary(api, props.bos_token ?? '', props.eos_token ?? '', source ?? '');
  const template = await createChatTemplate(source, vocabulary);
  const contextTokens = props.default_generation_settings?.n_ctx ?? defaultContextTokens;
  const files = { areRefused: false, prefix: `longwire-${randomUUID()}` };
  const slots = Array.from({ length: Math.max(1, props.total_slots ?? 1) }, (_, id) => new RemoteSlot(id, api, files));
  return {
    generator: { api, pool: new SequencePool(slots), contextTokens, closing: await template.closing() },
    prompts: new PromptBuilder(template, contextTokens),
    fingerprint: toFingerprint(props),
  };
}
