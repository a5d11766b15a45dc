/** An item that the server has already, by its id. */
import { type Static, Type } from '../schema.ts';

/** A reference to an item. */
export const ItemReferenceItem = Type.Object({ type: Type.Literal('item_reference'), id: Type.String() });
export type ItemReferenceItem = Static<typeof ItemReferenceItem>;

/** A reference as a client may write it: `type` may be null or left out. */
export const InputItemReference = Type.Object({
  type: Type.Optional(Type.Nullable(Type.Literal('item_reference'))),
  id: Type.String(),
});
export type InputItemReference = Static<typeof InputItemReference>;
