/** Tools that come as part of the history instead of with the request. */
import { type Static, Type } from '../schema.ts';
import { Tools } from '../tools/unions.ts';

export const AdditionalToolsItem = Type.Object({
  type: Type.Literal('additional_tools'),
  id: Type.Maybe(Type.String()),
  role: Type.Literal('developer'),
  tools: Tools,
});
export type AdditionalToolsItem = Static<typeof AdditionalToolsItem>;
