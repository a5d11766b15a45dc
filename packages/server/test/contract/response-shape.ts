/** The whole Response object as a schema: what Longwire sends, not what it takes from others (dossier L.2). */
import {
  itemSchemas,
  Metadata,
  OutputCustomToolCallItem,
  OutputFunctionCallItem,
  OutputMessageItem,
  OutputReasoningItem,
  PromptCacheRetention,
  ServiceTier,
  ToolChoice,
  Truncation,
} from '@longwire/protocol';
import { createChecker } from '../../../protocol/src/check.ts';
import { ResponseError, ResponseStatus } from '../../../protocol/src/response.ts';
import { AnyObject, Type, type Schema } from '../../../protocol/src/schema.ts';
import { TextFormat } from '../../../protocol/src/settings.ts';
import { Usage } from '../../../protocol/src/usage.ts';

const count = Type.Integer({ minimum: 0 });

const ResponseShape = Type.Object({
  id: Type.String({ minLength: 1 }),
  object: Type.Literal('response'),
  created_at: count,
  status: ResponseStatus,
  background: Type.Boolean(),
  completed_at: Type.Nullable(count),
  error: Type.Nullable(ResponseError),
  frequency_penalty: Type.Number(),
  incomplete_details: Type.Nullable(Type.Object({ reason: Type.String() })),
  instructions: Type.Nullable(Type.String()),
  max_output_tokens: Type.Nullable(count),
  max_tool_calls: Type.Nullable(count),
  model: Type.String({ minLength: 1 }),
  output: Type.Array(Type.Object({ type: Type.String() })),
  parallel_tool_calls: Type.Boolean(),
  presence_penalty: Type.Number(),
  previous_response_id: Type.Nullable(Type.String()),
  prompt_cache_key: Type.Nullable(Type.String()),
  prompt_cache_retention: Type.Nullable(PromptCacheRetention),
  reasoning: AnyObject,
  safety_identifier: Type.Nullable(Type.String()),
  service_tier: ServiceTier,
  store: Type.Boolean(),
  temperature: Type.Number(),
  text: Type.Object({ format: TextFormat, verbosity: Type.String() }),
  tool_choice: ToolChoice,
  tools: Type.Array(Type.Object({ type: Type.String() })),
  top_logprobs: count,
  top_p: Type.Number(),
  truncation: Truncation,
  usage: Type.Nullable(Usage),
  user: Type.Nullable(Type.String()),
  metadata: Metadata,
});

/** Items that the sequencer itself makes are held to what it makes; others to what a history may hold. */
const outputShapes: Readonly<Record<string, Schema>> = {
  ...itemSchemas,
  message: OutputMessageItem,
  reasoning: OutputReasoningItem,
  function_call: OutputFunctionCallItem,
  custom_tool_call: OutputCustomToolCallItem,
};

const response = createChecker(ResponseShape);
const items = new Map(Object.entries(outputShapes).map(([type, schema]) => [type, createChecker(schema)]));

/** Throws the catalogue error of the first field that is missing or of the wrong kind. */
export function checkResponse(value: unknown): void {
  if (!response.check(value)) throw response.mismatch(value, 'response');
  for (const [index, item] of value.output.entries()) checkItem(item, `response.output[${index}]`);
}

/** The same for one item. */
export function checkItem(value: { type: string }, path: string): void {
  const item = items.get(value.type);
  if (item && !item.check(value)) throw item.mismatch(value, path);
}
