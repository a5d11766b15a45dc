/** Finding tags in text that is still arriving. */

/** The first of these tags in a text. */
export function findTag(text: string, tags: readonly string[]): { readonly at: number; readonly tag: string } | null {
  let found: { at: number; tag: string } | null = null;
  for (const tag of tags) {
    const at = text.indexOf(tag);
    if (at !== -1 && (found === null || at < found.at)) found = { at, tag };
  }
  return found;
}

/** Where the end of `text` begins that may become one of these tags, with the space before it; its length when nothing is held. */
export function heldFrom(text: string, tags: readonly string[]): number {
  if (tags.length === 0) return text.length;
  const longest = Math.max(...tags.map((tag) => tag.length));
  for (let start = Math.max(0, text.length - longest + 1); start < text.length; start += 1) {
    if (isBeginning(text.slice(start), tags)) return text.slice(0, start).trimEnd().length;
  }
  return text.trimEnd().length;
}

/** Whether a text may become one of these tags and is none yet. */
export function isBeginning(text: string, tags: readonly string[]): boolean {
  return tags.some((tag) => tag.length > text.length && tag.startsWith(text));
}
