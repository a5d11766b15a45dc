/** Messages: the easy form, the full input form and what a model wrote, in one family (dossier B.1.1). */
import { MessagePart, OutputText, Refusal } from '../content.ts';
import { type Static, Type } from '../schema.ts';
import { ItemStatus, made, replayed } from './item.ts';

/** Clients are told to send `phase` back, so it is kept. */
export const MessagePhase = Type.Enum(['commentary', 'final_answer']);
export type MessagePhase = Static<typeof MessagePhase>;

/** A message of any role, as it stands in a history. */
export const MessageItem = Type.Object({
  type: Type.Literal('message'),
  role: Type.Enum(['user', 'assistant', 'system', 'developer']),
  content: Type.Union([Type.String(), Type.Array(MessagePart)]),
  phase: Type.Maybe(MessagePhase),
  ...replayed,
});
export type MessageItem = Static<typeof MessageItem>;

/** A message as a client may write it: `type` may be left out. */
export const InputMessage = Type.Object({ ...MessageItem.properties, type: Type.Optional(Type.Literal('message')) });
export type InputMessage = Static<typeof InputMessage>;

/** A message that a model wrote. */
export const OutputMessageItem = Type.Object({
  ...made,
  type: Type.Literal('message'),
  role: Type.Literal('assistant'),
  status: ItemStatus,
  content: Type.Array(Type.Union([OutputText, Refusal])),
  phase: Type.Maybe(MessagePhase),
});
export type OutputMessageItem = Static<typeof OutputMessageItem>;
