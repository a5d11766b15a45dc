/** The two shapes of an `error` event (dossier J.1). Longwire sends the nested one only. */
import { type Static, Type } from '../schema.ts';
import { lenient } from './event.ts';

const base = { type: Type.Literal('error'), stream_id: Type.Optional(Type.String()) };

export const NestedErrorEvent = Type.Object({
  ...base,
  sequence_number: Type.Optional(Type.Integer()),
  /** What the HTTP status would have been. */
  status: Type.Optional(Type.Integer()),
  error: Type.Object({
    type: Type.String(),
    code: Type.Nullable(Type.String()),
    message: Type.String(),
    param: Type.Nullable(Type.String()),
    headers: Type.Optional(Type.Map(Type.String())),
  }),
});
export type NestedErrorEvent = Static<typeof NestedErrorEvent>;

export const FlatErrorEvent = Type.Object({
  ...base,
  sequence_number: lenient(Type.Integer()),
  code: Type.Nullable(Type.String()),
  message: Type.String(),
  param: Type.Nullable(Type.String()),
});
export type FlatErrorEvent = Static<typeof FlatErrorEvent>;
