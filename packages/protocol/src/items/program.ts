/** Programs that a model writes to call tools, and what they returned (dossier Q.3). */
import { type Static, Type } from '../schema.ts';

export const ProgramItem = Type.Object({
  type: Type.Literal('program'),
  id: Type.String(),
  call_id: Type.String(),
  code: Type.String(),
  fingerprint: Type.String(),
});
export type ProgramItem = Static<typeof ProgramItem>;

export const ProgramOutputItem = Type.Object({
  type: Type.Literal('program_output'),
  id: Type.String(),
  call_id: Type.String(),
  result: Type.String(),
  status: Type.Enum(['completed', 'incomplete']),
});
export type ProgramOutputItem = Static<typeof ProgramOutputItem>;
