/** What SGLang says: the fields that are read. */

/** `GET /server_info`, `/get_server_info` in older versions. */
export interface ServerInfo {
  /** Whether events say what is new only, and not all so far. */
  readonly incremental_streaming_output?: boolean;
}

/** One event of `POST /generate`. */
export interface GenerateChunk {
  /** All text so far, or what is new; not there with `--skip-tokenizer-init`. */
  readonly text?: string;
  /** All ids so far, or what is new; the id that ended the turn among them. */
  readonly output_ids?: readonly number[];
  readonly meta_info?: {
    readonly finish_reason?: FinishReason | null;
    /** Ids so far. */
    readonly completion_tokens?: number;
    readonly cached_tokens?: number;
    readonly output_token_logprobs?: readonly LogprobEntry[];
    readonly output_top_logprobs?: readonly (readonly LogprobEntry[] | null)[];
  };
  readonly error?: unknown;
}

/** Why an answer has ended. */
export interface FinishReason {
  readonly type: 'stop' | 'length' | 'abort';
  /** Of a stop: the id or the text. */
  readonly matched?: number | string;
  /** Of an abort. */
  readonly message?: string;
  readonly status_code?: number | null;
}

/** Log probability, id, and the text where it was asked for. */
export type LogprobEntry = readonly [logprob: number | null, id: number, text: string | null];
