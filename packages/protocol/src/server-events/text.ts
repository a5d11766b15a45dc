/** Text, refusals, annotations, and the audio that text models never send. */
import { Annotation, Logprob } from '../content.ts';
import { type Static, Type } from '../schema.ts';
import { delta, event, inPart, lenient } from './event.ts';

export const OutputTextDeltaEvent = event('response.output_text.delta', {
  ...inPart,
  ...delta,
  logprobs: lenient(Type.Array(Logprob)),
});
export type OutputTextDeltaEvent = Static<typeof OutputTextDeltaEvent>;

export const OutputTextDoneEvent = event('response.output_text.done', {
  ...inPart,
  text: Type.String(),
  logprobs: lenient(Type.Array(Logprob)),
});
export type OutputTextDoneEvent = Static<typeof OutputTextDoneEvent>;

export const OutputTextAnnotationAddedEvent = event('response.output_text.annotation.added', {
  ...inPart,
  annotation_index: Type.Integer({ minimum: 0 }),
  annotation: Type.Nullable(Annotation),
});
export type OutputTextAnnotationAddedEvent = Static<typeof OutputTextAnnotationAddedEvent>;

export const RefusalDeltaEvent = event('response.refusal.delta', { ...inPart, ...delta });
export type RefusalDeltaEvent = Static<typeof RefusalDeltaEvent>;

export const RefusalDoneEvent = event('response.refusal.done', { ...inPart, refusal: Type.String() });
export type RefusalDoneEvent = Static<typeof RefusalDoneEvent>;

export const AudioDeltaEvent = event('response.audio.delta', delta);
export type AudioDeltaEvent = Static<typeof AudioDeltaEvent>;

export const AudioDoneEvent = event('response.audio.done', {});
export type AudioDoneEvent = Static<typeof AudioDoneEvent>;

export const AudioTranscriptDeltaEvent = event('response.audio.transcript.delta', delta);
export type AudioTranscriptDeltaEvent = Static<typeof AudioTranscriptDeltaEvent>;

export const AudioTranscriptDoneEvent = event('response.audio.transcript.done', {});
export type AudioTranscriptDoneEvent = Static<typeof AudioTranscriptDoneEvent>;
