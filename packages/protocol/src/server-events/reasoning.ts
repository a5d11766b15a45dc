/** Reasoning: summaries, and the raw text of open models. */
import { SummaryText } from '../content.ts';
import { type Static, Type } from '../schema.ts';
import { delta, event, inPart, inSummary } from './event.ts';

export const ReasoningSummaryPartAddedEvent = event('response.reasoning_summary_part.added', {
  ...inSummary,
  part: SummaryText,
});
export type ReasoningSummaryPartAddedEvent = Static<typeof ReasoningSummaryPartAddedEvent>;

/** `status` only when the part was cut off. */
export const ReasoningSummaryPartDoneEvent = event('response.reasoning_summary_part.done', {
  ...inSummary,
  part: SummaryText,
  status: Type.Optional(Type.Literal('incomplete')),
});
export type ReasoningSummaryPartDoneEvent = Static<typeof ReasoningSummaryPartDoneEvent>;

export const ReasoningSummaryTextDeltaEvent = event('response.reasoning_summary_text.delta', {
  ...inSummary,
  ...delta,
});
export type ReasoningSummaryTextDeltaEvent = Static<typeof ReasoningSummaryTextDeltaEvent>;

export const ReasoningSummaryTextDoneEvent = event('response.reasoning_summary_text.done', {
  ...inSummary,
  text: Type.String(),
});
export type ReasoningSummaryTextDoneEvent = Static<typeof ReasoningSummaryTextDoneEvent>;

export const ReasoningTextDeltaEvent = event('response.reasoning_text.delta', { ...inPart, ...delta });
export type ReasoningTextDeltaEvent = Static<typeof ReasoningTextDeltaEvent>;

export const ReasoningTextDoneEvent = event('response.reasoning_text.done', { ...inPart, text: Type.String() });
export type ReasoningTextDoneEvent = Static<typeof ReasoningTextDoneEvent>;
