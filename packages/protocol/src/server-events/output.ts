/** Brackets of items and of content parts. */
import { OutputPart } from '../content.ts';
import type { OutputItem } from '../items/unions.ts';
import { type Static, Type } from '../schema.ts';
import { event, inPart } from './event.ts';

const item = {
  output_index: Type.Integer({ minimum: 0 }),
  item: Type.Unsafe<OutputItem>(Type.Object({ type: Type.String() })),
};

export const OutputItemAddedEvent = event('response.output_item.added', item);
export type OutputItemAddedEvent = Static<typeof OutputItemAddedEvent>;

export const OutputItemDoneEvent = event('response.output_item.done', item);
export type OutputItemDoneEvent = Static<typeof OutputItemDoneEvent>;

export const ContentPartAddedEvent = event('response.content_part.added', { ...inPart, part: OutputPart });
export type ContentPartAddedEvent = Static<typeof ContentPartAddedEvent>;

export const ContentPartDoneEvent = event('response.content_part.done', { ...inPart, part: OutputPart });
export type ContentPartDoneEvent = Static<typeof ContentPartDoneEvent>;
