/** What all server events share (dossier C.1). */
import { type Fields, type ObjectSchema, type OptionalSchema, type Schema, Type } from '../schema.ts';

type EventFields<T extends string> = {
  type: Schema<T>;
  sequence_number: Schema<number>;
  stream_id: OptionalSchema<string>;
};

/**
 * The schema of one event. `sequence_number` counts from 0 within a response; `stream_id` names the lane and is left out on the
 * default one.
 */
export function event<const T extends string, P extends Fields>(type: T, fields: P): ObjectSchema<EventFields<T> & P> {
  return Type.Object<EventFields<T> & P>({
    type: Type.Literal(type),
    sequence_number: lenient(Type.Integer()),
    stream_id: Type.Optional(Type.String()),
    ...fields,
  });
}

/** Where an item stands in `response.output`. */
export const inItem = { output_index: Type.Integer({ minimum: 0 }), item_id: Type.String() };

/** Where a content part stands in an item. */
export const inPart = { ...inItem, content_index: Type.Integer({ minimum: 0 }) };

/** Where a summary stands in a reasoning item. */
export const inSummary = { ...inItem, summary_index: Type.Integer({ minimum: 0 }) };

/** A piece of text, with the random padding that hides its length. */
export const delta = { delta: Type.String(), obfuscation: Type.Optional(Type.String()) };

/** A field that Longwire always sends and other servers sometimes leave out: typed as there, checked where it is. */
export function lenient<T>(schema: Schema<T>): Schema<T> {
  return Type.Optional(schema);
}
