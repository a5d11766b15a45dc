/** What vLLM says on `/v1/completions`: the fields that are read. */

/** One event. The last one before `[DONE]` has no choices, and the usage. */
export interface CompletionChunk {
  readonly choices?: readonly CompletionChoice[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    /** Only with `--enable-prompt-tokens-details`. */
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
  readonly error?: unknown;
}

/** The answer's part in an event. */
export interface CompletionChoice {
  readonly text?: string;
  /** New ids, asked for by `return_token_ids`; the id that ended the turn among them. */
  readonly token_ids?: readonly number[] | null;
  readonly logprobs?: CompletionLogprobs | null;
  readonly finish_reason?: string | null;
  /** The stop token's id or the stop text; null for the model's own end of turn. */
  readonly stop_reason?: number | string | null;
}

/** In parallel arrays, one entry a token. */
export interface CompletionLogprobs {
  readonly tokens?: readonly string[];
  readonly token_logprobs?: readonly (number | null)[];
  /** The likeliest, and the chosen one, by their texts. */
  readonly top_logprobs?: readonly (Readonly<Record<string, number>> | null)[];
}
