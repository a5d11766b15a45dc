/** Programs that a model writes to call tools, and what they returned (dossier Q.3). */
import { type Static, Type } from '../schema.ts';

/** A program. `fingerprint` comes back with it unchanged. */
export const ProgramItem = Type.Object({
  type: Type.Literal('program'),
  id: Type.String(),
  call_id: Type.String(),
  code: Type.String(),
  fingerprint: Type.String(),
});
export type ProgramItem = Static<typeof ProgramItem>;

/** What a program returned. */
export const ProgramOutputItem = Type.Object({
  type: Type.Literal('program_output'),
  id: Type.String(),
  call_id: Type.String(),
  result: Type.String(),
  status: Type.Enum(['completed', 'incomplete']),
});
export type ProgramOutputItem = Static<typeof ProgramOutputItem>;
