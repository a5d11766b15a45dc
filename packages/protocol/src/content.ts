/** Content parts: what messages, reasoning and tool outputs are made of (dossier B.1.1, C.3). */
import { type Static, Type } from './schema.ts';

/** A place where the client asks that the prompt cache may be cut (dossier M). */
export const PromptCacheBreakpoint = Type.Object({
  mode: Type.Literal('explicit'),
  ttl: Type.Optional(Type.Enum(['30m', '12h'])),
});
export type PromptCacheBreakpoint = Static<typeof PromptCacheBreakpoint>;

/** Text of a user, a developer or a tool. */
export const InputText = Type.Object({
  type: Type.Literal('input_text'),
  text: Type.String(),
  prompt_cache_breakpoint: Type.Maybe(PromptCacheBreakpoint),
});
export type InputText = Static<typeof InputText>;

/** An image, by URL (`data:` too) or by file id. */
export const InputImage = Type.Object({
  type: Type.Literal('input_image'),
  detail: Type.Maybe(Type.Enum(['low', 'high', 'auto', 'original'])),
  file_id: Type.Maybe(Type.String()),
  image_url: Type.Maybe(Type.String()),
  prompt_cache_breakpoint: Type.Maybe(PromptCacheBreakpoint),
});
export type InputImage = Static<typeof InputImage>;

/** A file, inline (`file_data`), by URL or by id. */
export const InputFile = Type.Object({
  type: Type.Literal('input_file'),
  detail: Type.Maybe(Type.Enum(['auto', 'low', 'high'])),
  file_data: Type.Maybe(Type.String()),
  file_id: Type.Maybe(Type.String()),
  file_url: Type.Maybe(Type.String()),
  filename: Type.Maybe(Type.String()),
  prompt_cache_breakpoint: Type.Maybe(PromptCacheBreakpoint),
});
export type InputFile = Static<typeof InputFile>;

/** A part that a user, a developer or a tool can send. */
export const InputPart = Type.Union([InputText, InputImage, InputFile]);
export type InputPart = Static<typeof InputPart>;

/** What stands behind a span of generated text. */
export const Annotation = Type.Union([
  Type.Object({
    type: Type.Literal('file_citation'),
    file_id: Type.String(),
    filename: Type.String(),
    index: Type.Integer(),
  }),
  Type.Object({
    type: Type.Literal('url_citation'),
    start_index: Type.Integer(),
    end_index: Type.Integer(),
    title: Type.String(),
    url: Type.String(),
  }),
  Type.Object({
    type: Type.Literal('container_file_citation'),
    container_id: Type.String(),
    file_id: Type.String(),
    filename: Type.String(),
    start_index: Type.Integer(),
    end_index: Type.Integer(),
  }),
  Type.Object({ type: Type.Literal('file_path'), file_id: Type.String(), index: Type.Integer() }),
]);
export type Annotation = Static<typeof Annotation>;

/** Log probability (natural) of one token, with its UTF-8 bytes. */
export const Logprob = Type.Object({
  token: Type.String(),
  bytes: Type.Array(Type.Integer()),
  logprob: Type.Number(),
  top_logprobs: Type.Array(
    Type.Object({ token: Type.String(), bytes: Type.Array(Type.Integer()), logprob: Type.Number() }),
  ),
});
export type Logprob = Static<typeof Logprob>;

/** Text that a model wrote. */
export const OutputText = Type.Object({
  type: Type.Literal('output_text'),
  text: Type.String(),
  annotations: Type.Array(Annotation),
  logprobs: Type.Optional(Type.Array(Logprob)),
});
export type OutputText = Static<typeof OutputText>;

/** The same as clients hand it back: often without annotations and log probabilities, which nobody reads again. */
export const ReplayedText = Type.Object({
  type: Type.Literal('output_text'),
  text: Type.String(),
  annotations: Type.Maybe(Type.Array(Type.Unknown())),
  logprobs: Type.Maybe(Type.Array(Type.Unknown())),
});
export type ReplayedText = Static<typeof ReplayedText>;

/** A model's refusal, in its words. */
export const Refusal = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() });
export type Refusal = Static<typeof Refusal>;

/** A model's own reasoning. */
export const ReasoningText = Type.Object({ type: Type.Literal('reasoning_text'), text: Type.String() });
export type ReasoningText = Static<typeof ReasoningText>;

/** A summary of a model's reasoning. */
export const SummaryText = Type.Object({ type: Type.Literal('summary_text'), text: Type.String() });
export type SummaryText = Static<typeof SummaryText>;

/** Any part of a message in a history. */
export const MessagePart = Type.Union([InputText, InputImage, InputFile, ReplayedText, Refusal]);
export type MessagePart = Static<typeof MessagePart>;

/** A part that a model makes, as it stands in `response.content_part.*`. */
export const OutputPart = Type.Union([OutputText, Refusal, ReasoningText]);
export type OutputPart = Static<typeof OutputPart>;
