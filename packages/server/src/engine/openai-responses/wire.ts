/** What this engine reads of a Responses stream. All optional: every server leaves out something else. */

import type { Annotation } from '@longwire/protocol';

/** One event, over a socket or as `data:` of a stream. */
export interface UpstreamEvent {
  readonly type: string;
  /** The lane, echoed by servers that have lanes. */
  readonly stream_id?: unknown;
  readonly output_index?: number;
  readonly item_id?: string;
  readonly delta?: unknown;
  readonly logprobs?: readonly UpstreamLogprob[] | null;
  readonly annotation?: Annotation | null;
  readonly item?: UpstreamItem;
  readonly response?: UpstreamResponse;
}

export interface UpstreamResponse {
  readonly id?: string;
  readonly status?: string;
  readonly output?: readonly UpstreamItem[];
  readonly error?: unknown;
  readonly incomplete_details?: { readonly reason?: string } | null;
  readonly usage?: UpstreamUsage | null;
}

/** An output item of any type, as the upstream tells it. */
export interface UpstreamItem {
  readonly type: string;
  readonly id?: string;
  readonly call_id?: string;
  readonly name?: string;
  readonly namespace?: string | null;
  readonly arguments?: unknown;
  readonly input?: unknown;
  readonly async?: boolean | null;
  readonly caller?: { readonly type?: string } | null;
  readonly content?: readonly UpstreamPart[] | null;
  readonly summary?: readonly UpstreamPart[] | null;
  readonly phase?: string | null;
  readonly encrypted_content?: string | null;
}

export interface UpstreamPart {
  readonly type?: string;
  readonly text?: string;
  readonly refusal?: string;
  readonly annotations?: readonly Annotation[] | null;
}

export interface UpstreamLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[] | null;
  readonly top_logprobs?: readonly UpstreamLogprob[] | null;
}

export interface UpstreamUsage {
  readonly input_tokens?: number | null;
  readonly input_tokens_details?: { readonly cached_tokens?: number | null } | null;
  readonly output_tokens?: number | null;
  readonly output_tokens_details?: { readonly reasoning_tokens?: number | null } | null;
}

/** The event in a frame or in `data:`, or null for what is none. */
export function readEvent(json: string): UpstreamEvent | null {
  try {
    const value: unknown = JSON.parse(json);
    const isEvent = typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
    return isEvent ? (value as UpstreamEvent) : null;
  } catch {
    return null;
  }
}

/** Whether nothing more comes for the response. */
export function isTerminal({ type }: UpstreamEvent): boolean {
  return terminalTypes.has(type);
}

const terminalTypes: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
  'error',
]);
