/** Web searches that a hosted tool ran. */
import { extend, type Static, Type } from '../schema.ts';

const WebSearchStatus = Type.Enum(['in_progress', 'searching', 'completed', 'failed', 'incomplete']);

const WebSearchAction = Type.Union([
  Type.Object({
    type: Type.Literal('search'),
    query: Type.Optional(Type.String()),
    queries: Type.Optional(Type.Array(Type.String())),
    sources: Type.Optional(Type.Array(Type.Object({ type: Type.Literal('url'), url: Type.String() }))),
  }),
  Type.Object({ type: Type.Literal('open_page'), url: Type.Maybe(Type.String()) }),
  Type.Object({ type: Type.Literal('find_in_page'), pattern: Type.String(), url: Type.String() }),
]);

/** A search of the web, a page opened, or a place looked for in a page. */
export const WebSearchCallItem = Type.Object({
  type: Type.Literal('web_search_call'),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(WebSearchStatus),
  action: Type.Maybe(WebSearchAction),
});
export type WebSearchCallItem = Static<typeof WebSearchCallItem>;

/** The same as a response makes it. */
export const OutputWebSearchCallItem = extend(WebSearchCallItem, {
  id: Type.String(),
  status: WebSearchStatus,
  action: WebSearchAction,
});
export type OutputWebSearchCallItem = Static<typeof OutputWebSearchCallItem>;
