/** Tools that come as part of the history instead of with the request. */
import { extend, type Static, Type } from '../schema.ts';
import { EchoedTools, Tools } from '../tools/unions.ts';

/** Tools from here on in the history. */
export const AdditionalToolsItem = Type.Object({
  type: Type.Literal('additional_tools'),
  id: Type.Maybe(Type.String()),
  role: Type.Literal('developer'),
  tools: Tools,
});
export type AdditionalToolsItem = Static<typeof AdditionalToolsItem>;

/** The same as a response makes it. */
export const OutputAdditionalToolsItem = extend(AdditionalToolsItem, { id: Type.String(), tools: EchoedTools });
export type OutputAdditionalToolsItem = Static<typeof OutputAdditionalToolsItem>;
