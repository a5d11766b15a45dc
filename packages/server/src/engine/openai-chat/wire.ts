/** What is read of a chat-completions stream. All optional, because every server leaves out something else. */

/** One `data:` of the stream, or the whole body of a server that does not stream. */
export interface ChatChunk {
  readonly choices?: readonly ChatChoice[];
  readonly usage?: ChatUsage | null;
  /** Groq repeats the usage here. */
  readonly x_groq?: { readonly usage?: ChatUsage | null } | null;
  /** llama-server's own counts. */
  readonly timings?: { readonly cache_n?: number; readonly prompt_n?: number; readonly predicted_n?: number } | null;
  readonly error?: unknown;
  /** vLLM's errors are objects of their own. */
  readonly object?: string;
  readonly message?: string;
}

export interface ChatChoice {
  readonly index?: number;
  readonly delta?: ChatDelta | null;
  /** In place of `delta` where a server answers at once. */
  readonly message?: ChatDelta | null;
  readonly finish_reason?: string | null;
  readonly logprobs?: { readonly content?: readonly ChatLogprob[] | null } | null;
}

export interface ChatDelta {
  readonly content?: string | readonly ChatContentPiece[] | null;
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly ChatToolCallDelta[] | null;
}

/** Mistral streams reasoning as content pieces of the type `thinking`. */
export interface ChatContentPiece {
  readonly type?: string;
  readonly text?: string;
  readonly thinking?: readonly { readonly text?: string }[];
}

export interface ChatToolCallDelta {
  readonly index?: number | null;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null;
}

export interface ChatLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[] | null;
  readonly top_logprobs?: readonly ChatLogprob[] | null;
}

export interface ChatUsage {
  readonly prompt_tokens?: number | null;
  readonly completion_tokens?: number | null;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null } | null;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | null } | null;
  /** DeepSeek. */
  readonly prompt_cache_hit_tokens?: number | null;
  /** Moonshot. */
  readonly cached_tokens?: number | null;
  /** SGLang. */
  readonly reasoning_tokens?: number | null;
}
