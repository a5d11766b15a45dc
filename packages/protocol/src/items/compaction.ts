/** Older items sealed into one, and the wish that it be done (dossier H). */
import { extend, type Static, Type } from '../schema.ts';

/** The sealed form of what stood before it. */
export const CompactionItem = Type.Object({
  type: Type.Literal('compaction'),
  id: Type.Maybe(Type.String()),
  encrypted_content: Type.String(),
});
export type CompactionItem = Static<typeof CompactionItem>;

/** The same as a response makes it. */
export const OutputCompactionItem = extend(CompactionItem, {
  id: Type.String(),
  created_by: Type.Optional(Type.String()),
});
export type OutputCompactionItem = Static<typeof OutputCompactionItem>;

/** Must be the last item of an input. */
export const CompactionTriggerItem = Type.Object({
  type: Type.Literal('compaction_trigger'),
  id: Type.Maybe(Type.String()),
});
export type CompactionTriggerItem = Static<typeof CompactionTriggerItem>;
