/** A generation as a Responses request: what stands around the items is written anew, the items are not. */
import type { CreateRequest } from '@longwire/protocol';
import type { GenerateRequest } from '../engine.ts';
import { elementBytesSince, emptyList } from '../http/encoded-list.ts';
import type { Anchor, ResponsesContext } from './context.ts';

/** What differs between upstreams in the fields around the items. */
export interface BodyOptions {
  /** Sent with every request: what only this upstream knows. */
  readonly extraFields: Readonly<Record<string, unknown>>;
  /** Never sent: for upstreams that refuse fields which they do not know. */
  readonly omittedFields: readonly string[];
}

/** Fields that go on as the client sent them; what is missing here is ours to do, or would make the upstream keep something. */
const passedOn = [
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'max_tool_calls',
  'max_output_tokens',
  'reasoning',
  'text',
  'temperature',
  'top_p',
  'top_logprobs',
  'truncation',
  'prompt',
  'prompt_cache_key',
  'prompt_cache_retention',
  'service_tier',
  'safety_identifier',
  'user',
  'moderation',
  'image',
  'access_programs',
] as const satisfies readonly (keyof CreateRequest)[];

const sealedReasoning = 'reasoning.encrypted_content';

/**
 * The body as buffers to be written in order, with the items behind `anchor`, or all of them without one. The bytes of the items
 * are the context's own: O(preamble) of work, whatever the length of the history. `frame` goes in front: the fields that only
 * a socket's frames have, or `stream`.
 */
export function toRequestBody(
  request: GenerateRequest<ResponsesContext>,
  anchor: Anchor | null,
  frame: Readonly<Record<string, unknown>>,
  options: BodyOptions,
): Buffer[] {
  const { context, model, preamble, requested } = request;
  const fields: Record<string, unknown> = { ...frame, model, store: false };
  for (const name of passedOn) {
    const value = requested[name];
    if (value !== undefined && value !== null) fields[name] = value;
  }
  if (preamble.instructions !== null) fields['instructions'] = preamble.instructions;
  // Always asked for: with it the chain can be told again to an upstream that has forgotten it.
  fields['include'] = [...new Set([...(requested.include ?? []), sealedReasoning])];
  if (requested.prompt_cache_options) {
    const { prewarm: _, ...cacheOptions } = requested.prompt_cache_options;
    fields['prompt_cache_options'] = cacheOptions;
  }
  if (anchor) fields['previous_response_id'] = anchor.responseId;
  Object.assign(fields, options.extraFields);
  for (const name of options.omittedFields) delete fields[name];

  const head = `${JSON.stringify(fields).slice(0, -1)},"input":[`;
  return [Buffer.from(head), ...elementBytesSince(context.history, anchor?.history ?? emptyList), closing];
}

const closing = Buffer.from(']}');
