/** A change of reasoning effort or output format in the middle of a history. */
import { ReasoningEffort, TextFormat } from '../settings.ts';
import { type Static, Type } from '../schema.ts';

export const ConfigurationUpdateItem = Type.Object({
  type: Type.Literal('configuration_update'),
  id: Type.Maybe(Type.String()),
  reasoning: Type.Optional(Type.Object({ effort: Type.Maybe(ReasoningEffort) })),
  text: Type.Optional(Type.Object({ format: TextFormat })),
});
export type ConfigurationUpdateItem = Static<typeof ConfigurationUpdateItem>;
