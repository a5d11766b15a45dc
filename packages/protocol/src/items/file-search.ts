/** Searches of files that a hosted tool ran. */
import { extend, type Static, Type } from '../schema.ts';

const FileSearchStatus = Type.Enum(['in_progress', 'searching', 'completed', 'incomplete', 'failed']);

/** A passage that was found. */
export const FileSearchResult = Type.Object({
  attributes: Type.Maybe(Type.Map(Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
  file_id: Type.Optional(Type.String()),
  filename: Type.Optional(Type.String()),
  score: Type.Optional(Type.Number()),
  text: Type.Optional(Type.String()),
});
export type FileSearchResult = Static<typeof FileSearchResult>;

/** A search, and what it found where that was asked for. */
export const FileSearchCallItem = Type.Object({
  type: Type.Literal('file_search_call'),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(FileSearchStatus),
  queries: Type.Array(Type.String()),
  results: Type.Maybe(Type.Array(FileSearchResult)),
});
export type FileSearchCallItem = Static<typeof FileSearchCallItem>;

/** The same as a response makes it. */
export const OutputFileSearchCallItem = extend(FileSearchCallItem, { id: Type.String(), status: FileSearchStatus });
export type OutputFileSearchCallItem = Static<typeof OutputFileSearchCallItem>;
