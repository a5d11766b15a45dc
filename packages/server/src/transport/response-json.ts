/** A response as JSON, as it begins and as it ends: what both have in common is written once, and what the next one has too (0020). */
import type { OutputItem, Response } from '@longwire/protocol';
import { quoteName } from './call-json.ts';

/** Fields whose words are the API's or the operator's. What else a client wrote is not kept: its response may be its own affair. */
const commonWords: ReadonlySet<keyof Response> = new Set([
  'model',
  'tool_choice',
  'truncation',
  'prompt_cache_retention',
]);

/** Whether a value may be remembered beyond its response: numbers, words of the API, and the defaults, which are frozen. */
function isCommon(field: keyof Response | undefined, value: unknown): boolean {
  if (typeof value === 'string') return field !== undefined && commonWords.has(field);
  return typeof value !== 'object' || Object.isFrozen(value);
}

/** The newest common values, in whatever response, of some fields that follow one another, and their JSON. */
class Run {
  readonly #fields: readonly (keyof Response)[];
  readonly #read: (response: Response) => readonly unknown[];
  #values: readonly unknown[] = [];
  #json = '';

  /** `read` names the fields once more, in code: to look each of them up by its name costs 200 instructions. */
  constructor(fields: readonly (keyof Response)[], read: (response: Response) => readonly unknown[]) {
    this.#fields = fields;
    this.#read = read;
  }

  /** The fields with their names. Values never change in place. */
  encode(response: Response): string {
    const values = this.#read(response);
    const known = this.#values;
    let at = 0;
    while (at < known.length && known[at] === values[at]) at++;
    if (at === values.length) return this.#json;
    const json = this.#fields.map((field, index) => `"${field}":${JSON.stringify(values[index])}`).join(',');
    if (values.every((value, index) => isCommon(this.#fields[index], value))) {
      this.#values = values;
      this.#json = json;
    }
    return json;
  }
}

/** What does not change in the life of a response, in the order of `createResponse`. What is large stands alone: it is not written again for another's sake. */
const runs = [
  new Run(['instructions'], (r) => [r.instructions]),
  new Run(['max_output_tokens', 'max_tool_calls', 'model'], (r) => [r.max_output_tokens, r.max_tool_calls, r.model]),
  new Run(['parallel_tool_calls', 'presence_penalty'], (r) => [r.parallel_tool_calls, r.presence_penalty]),
  new Run(['prompt_cache_key', 'prompt_cache_retention', 'reasoning', 'safety_identifier'], (r) => [
    r.prompt_cache_key,
    r.prompt_cache_retention,
    r.reasoning,
    r.safety_identifier,
  ]),
  new Run(['store', 'temperature', 'text', 'tool_choice'], (r) => [r.store, r.temperature, r.text, r.tool_choice]),
  new Run(['tools'], (r) => [r.tools]),
  new Run(['top_logprobs', 'top_p', 'truncation'], (r) => [r.top_logprobs, r.top_p, r.truncation]),
  new Run(
    ['user', 'metadata', 'conversation', 'prompt', 'prompt_cache_options', 'moderation', 'access_programs'],
    (r) => [r.user, r.metadata, r.conversation, r.prompt, r.prompt_cache_options, r.moderation, r.access_programs],
  ),
];
/** How many fields a response has. One that has more is left to `JSON.stringify`. */
const fieldCount = 38;

/** Writes the stages of one response as `JSON.stringify` would. Objects in it must not change in place. */
export class ResponseEncoder {
  /** The response that was written last, in its last stage. */
  #last: Response | null = null;
  #runs: readonly string[] = [];
  #previousId = 'null';
  #json = '';
  readonly #items: { readonly item: OutputItem; readonly json: string }[] = [];

  /** A response in one of its stages. The same object again costs nothing. */
  encode(response: Response): string {
    if (this.#last === response) return this.#json;
    if (this.#last?.id !== response.id) {
      this.#runs = runs.map((run) => run.encode(response));
      this.#previousId = quoteName(response.previous_response_id);
    }
    this.#last = response;
    this.#json = Object.keys(response).length === fieldCount ? this.#join(response) : JSON.stringify(response);
    return this.#json;
  }

  /** A finished item and its JSON: it will be part of the response's output. */
  keepItem(item: OutputItem, json: string): void {
    this.#items.push({ item, json });
  }

  /** Joined, not added up: a string of many parts is walked part by part each time that it is written. */
  #join(response: Response): string {
    const [instructions, model, penalties, cache, sampling, tools, truncation, user] = this.#runs;
    return [
      `{"id":"${response.id}","object":"response","created_at":${response.created_at},"status":"${response.status}"`,
      `"background":${response.background},"completed_at":${response.completed_at}`,
      `"error":${encodeValue(response.error)},"frequency_penalty":${response.frequency_penalty}`,
      `"incomplete_details":${encodeValue(response.incomplete_details)}`,
      instructions,
      model,
      `"output":${this.#encodeOutput(response.output)}`,
      penalties,
      `"previous_response_id":${this.#previousId}`,
      cache,
      `"service_tier":"${response.service_tier}"`,
      sampling,
      tools,
      truncation,
      `"usage":${encodeUsage(response.usage)}`,
      `${user}}`,
    ].join(',');
  }

  #encodeOutput(output: readonly OutputItem[]): string {
    const items = output.map((item, at) => {
      const known = this.#items[at];
      return known?.item === item ? known.json : JSON.stringify(item);
    });
    return `[${items.join(',')}]`;
  }
}

/** Six numbers: to ask `JSON.stringify` what they are costs 3,000 instructions. */
function encodeUsage(usage: Response['usage']): string {
  const { cached_tokens, cache_write_tokens, cache_write_tokens_details: details } = usage?.input_tokens_details ?? {};
  if (usage === null || cache_write_tokens === undefined || details !== undefined) return JSON.stringify(usage);
  const cached = `{"cached_tokens":${cached_tokens},"cache_write_tokens":${cache_write_tokens}}`;
  const reasoning = `{"reasoning_tokens":${usage.output_tokens_details.reasoning_tokens}}`;
  return (
    `{"input_tokens":${usage.input_tokens},"input_tokens_details":${cached},"output_tokens":${usage.output_tokens},` +
    `"output_tokens_details":${reasoning},"total_tokens":${usage.total_tokens}}`
  );
}

function encodeValue(value: object | null): string {
  return value === null ? 'null' : JSON.stringify(value);
}
