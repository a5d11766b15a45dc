/** A change of reasoning effort or output format in the middle of a history. */
import { type Static, Type } from '../schema.ts';
import { ReasoningEffort, TextFormat } from '../settings.ts';

/** From here on in the history, other settings. */
export const ConfigurationUpdateItem = Type.Object({
  type: Type.Literal('configuration_update'),
  id: Type.Maybe(Type.String()),
  reasoning: Type.Optional(Type.Object({ effort: Type.Maybe(ReasoningEffort) })),
  text: Type.Optional(Type.Object({ format: TextFormat })),
});
export type ConfigurationUpdateItem = Static<typeof ConfigurationUpdateItem>;
