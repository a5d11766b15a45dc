/**
 * The chat-completions wire. What this engine writes is typed as it is written; what it reads is all optional,
 * because every server leaves out something else.
 */

/** A tool call inside an assistant message. `arguments` is always the JSON text of an object. */
export interface ChatToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A piece of a user message that is more than text. */
export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string; readonly detail?: string } }
  | { readonly type: 'file'; readonly file: { readonly file_data: string; readonly filename?: string } };

/** One element of `messages`. The assistant's reasoning stands under the name that the upstream reads. */
export type ChatMessage =
  | { readonly role: 'system' | 'developer'; readonly content: string }
  | { readonly role: 'user'; readonly content: string | readonly ChatPart[] }
  | {
      readonly role: 'assistant';
      readonly content: string | null;
      readonly reasoning_content?: string;
      readonly reasoning?: string;
      readonly tool_calls?: readonly ChatToolCall[];
    }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

/** The definition inside a tool. */
export interface ChatFunction {
  readonly name: string;
  readonly description?: string;
  readonly parameters: unknown;
  readonly strict?: boolean;
}

/** One element of `tools`. */
export interface ChatTool {
  readonly type: 'function';
  readonly function: ChatFunction;
}

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
