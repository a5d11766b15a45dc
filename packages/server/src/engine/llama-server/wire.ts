/** What llama-server says: the fields that are read. */

/** `GET /props`. */
export interface Props {
  readonly total_slots?: number;
  readonly model_path?: string;
  readonly chat_template?: string;
  readonly bos_token?: string;
  readonly eos_token?: string;
  readonly default_generation_settings?: { readonly n_ctx?: number };
}

/** One event of `POST /completion`. */
export interface CompletionChunk {
  readonly content?: string;
  /** Ids of this event; those of a character that took several are left out but for the last. */
  readonly tokens?: readonly number[];
  /** Tokens of the answer so far. */
  readonly tokens_predicted?: number;
  readonly stop?: boolean;
  readonly stop_type?: 'none' | 'eos' | 'limit' | 'word';
  /** Comes before the first token; its `tokens` say nothing. */
  readonly prompt_progress?: { readonly total: number; readonly cache: number; readonly processed: number };
  readonly completion_probabilities?: readonly TokenProbability[];
  readonly timings?: { readonly cache_n?: number; readonly prompt_n?: number; readonly predicted_n?: number };
  readonly error?: unknown;
}

/** A token with its likeliest alternatives. */
export interface TokenProbability {
  readonly token: string;
  readonly bytes?: readonly number[];
  readonly logprob: number;
  readonly top_logprobs?: readonly TokenProbability[];
}

/** Fields of the last event that are asked for: the others repeat the whole prompt. */
export const lastFields = [
  'stop',
  'stop_type',
  'tokens_predicted',
  'timings',
] as const satisfies (keyof CompletionChunk)[];
