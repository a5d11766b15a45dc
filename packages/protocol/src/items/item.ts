/** What item families share. */
import { type Opaque, type Static, Type } from '../schema.ts';

/** Where an item is in its life. */
export const ItemStatus = Type.Enum(['in_progress', 'completed', 'incomplete']);
export type ItemStatus = Static<typeof ItemStatus>;

/** Who made a call: the model itself, or a program that it wrote (dossier Q.3). Outputs echo it. */
export const Caller = Type.Union([
  Type.Object({ type: Type.Literal('direct') }),
  Type.Object({ type: Type.Literal('program'), caller_id: Type.String() }),
]);
export type Caller = Static<typeof Caller>;

/** Fields that any item may carry when a client sends it: ids of other servers are accepted, never looked up. */
export const replayed = { id: Type.Maybe(Type.String()), status: Type.Maybe(ItemStatus) };

/** Fields of every item that a response makes. */
export const made = { id: Type.String(), status: ItemStatus };

/** An item of a type that we do not know, kept as it came. */
export type OpaqueItem = Opaque;
