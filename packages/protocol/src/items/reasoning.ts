/** Reasoning: summaries, raw text of open models, or a sealed blob (dossier C.2). */
import { ReasoningText, SummaryText } from '../content.ts';
import { type Static, Type } from '../schema.ts';
import { ItemStatus, replayed } from './item.ts';

/** Reasoning, as clients hand it back: whole, sealed, or both. */
export const ReasoningItem = Type.Object({
  type: Type.Literal('reasoning'),
  summary: Type.Maybe(Type.Array(SummaryText)),
  content: Type.Maybe(Type.Array(ReasoningText)),
  encrypted_content: Type.Maybe(Type.String()),
  ...replayed,
});
export type ReasoningItem = Static<typeof ReasoningItem>;

/** Reasoning as a response makes it. */
export const OutputReasoningItem = Type.Object({
  id: Type.String(),
  type: Type.Literal('reasoning'),
  summary: Type.Array(SummaryText),
  content: Type.Optional(Type.Array(ReasoningText)),
  encrypted_content: Type.Optional(Type.Nullable(Type.String())),
  status: Type.Optional(ItemStatus),
});
export type OutputReasoningItem = Static<typeof OutputReasoningItem>;
