/** Settings of a request that a response echoes: reasoning, text format, service tier… (dossier B.1). */
import { InputPart } from './content.ts';
import { AnyObject, type Static, Type } from './schema.ts';

/** How hard to think. */
export const ReasoningEffort = Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
export type ReasoningEffort = Static<typeof ReasoningEffort>;

const SummaryStyle = Type.Enum(['auto', 'concise', 'detailed']);

/** How to reason, and how much of it to show. */
export const ReasoningSettings = Type.Object({
  effort: Type.Maybe(ReasoningEffort),
  summary: Type.Maybe(SummaryStyle),
  context: Type.Maybe(Type.Enum(['auto', 'current_turn', 'all_turns'])),
  mode: Type.Optional(Type.Open(['standard', 'pro'])),
  /** Deprecated name of `summary`. */
  generate_summary: Type.Maybe(SummaryStyle),
});
export type ReasoningSettings = Static<typeof ReasoningSettings>;

/** Output that follows a JSON Schema. */
export const JsonSchemaFormat = Type.Object({
  type: Type.Literal('json_schema'),
  name: Type.String(),
  schema: AnyObject,
  description: Type.Optional(Type.String()),
  strict: Type.Maybe(Type.Boolean()),
});
export type JsonSchemaFormat = Static<typeof JsonSchemaFormat>;

/** Form of the text that a model writes. */
export const TextFormat = Type.Union([
  Type.Object({ type: Type.Literal('text') }),
  JsonSchemaFormat,
  Type.Object({ type: Type.Literal('json_object') }),
]);
export type TextFormat = Static<typeof TextFormat>;

/** Form and length of what a model writes. */
export const TextSettings = Type.Object({
  format: Type.Optional(TextFormat),
  verbosity: Type.Maybe(Type.Enum(['low', 'medium', 'high'])),
});
export type TextSettings = Static<typeof TextSettings>;

/** How a request is served, and billed. */
export const ServiceTier = Type.Enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast']);
export type ServiceTier = Static<typeof ServiceTier>;

/** Whether a history that is too long is cut. Deprecated. */
export const Truncation = Type.Enum(['auto', 'disabled']);
export type Truncation = Static<typeof Truncation>;

/** At most 16 pairs; names of up to 64 and values of up to 512 characters. */
export const Metadata = Type.Map(Type.String({ maxLength: 512 }), {
  maxProperties: 16,
  propertyNames: { type: 'string', maxLength: 64 },
});
export type Metadata = Static<typeof Metadata>;

/** What a response holds only on request. */
export const Includable = Type.Enum([
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'message.input_image.image_url',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
]);
export type Includable = Static<typeof Includable>;

/** Automatic compaction once the context passes a number of tokens (dossier H). */
export const ContextManagement = Type.Object({ type: Type.String(), compact_threshold: Type.Maybe(Type.Integer()) });
export type ContextManagement = Static<typeof ContextManagement>;

/** How the prompt cache is used (dossier M). */
export const PromptCacheOptions = Type.Object({
  mode: Type.Optional(Type.Enum(['implicit', 'explicit'])),
  ttl: Type.Optional(Type.Enum(['30m', '12h'])),
  /** Prepares the prompt and generates nothing (dossier G). */
  prewarm: Type.Optional(Type.Boolean()),
  comparison_response_id: Type.Maybe(Type.String()),
});
export type PromptCacheOptions = Static<typeof PromptCacheOptions>;

/** Deprecated form of `ttl`. */
export const PromptCacheRetention = Type.Enum(['in_memory', '24h']);
export type PromptCacheRetention = Static<typeof PromptCacheRetention>;

/** A prompt that is kept on the server, with its variables. */
export const PromptReference = Type.Object({
  id: Type.String(),
  version: Type.Maybe(Type.String()),
  variables: Type.Maybe(Type.Map(Type.Union([Type.String(), InputPart]))),
});
export type PromptReference = Static<typeof PromptReference>;

const ModerationMode = Type.Object({ mode: Type.Enum(['score', 'block']) });

/** Which model judges input and output, and what follows from it. */
export const ModerationSettings = Type.Object({
  model: Type.String(),
  policy: Type.Maybe(Type.Object({ input: Type.Maybe(ModerationMode), output: Type.Maybe(ModerationMode) })),
});
export type ModerationSettings = Static<typeof ModerationSettings>;
