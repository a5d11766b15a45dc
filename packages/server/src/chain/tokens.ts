/** How many tokens a chain's context has, without counting it again. */
import type { Item, Response } from '@longwire/protocol';

/** About what a token of text or code is, in bytes of UTF-8. */
const bytesPerToken = 4;

/**
 * Tokens of the context behind a response: what its engine counted, which is right for every engine. Where it counted nothing
 * (a warm-up), or counted what is forgotten now (a compaction and nothing else), an estimate of what the items add.
 */
export function tokensAfter(
  parentTokens: number,
  input: readonly Item[],
  { output, usage }: Pick<Response, 'output' | 'usage'>,
): number {
  if (output.at(-1)?.type === 'compaction') return estimateTokens(output);
  if (usage && usage.total_tokens > 0) return usage.total_tokens;
  return parentTokens + estimateTokens(input);
}

/** A guess from the size of the items: O(items). Pictures and files count nothing until the engine has counted them. */
export function estimateTokens(items: readonly Item[]): number {
  let bytes = 0;
  for (const item of items) bytes += item.type === 'compaction' ? sealedBytes(item) : textBytes(item);
  return Math.ceil(bytes / bytesPerToken);
}

/** Base64 has four characters for three bytes. */
function sealedBytes({ encrypted_content }: { encrypted_content: string }): number {
  return (encrypted_content.length * 3) / 4;
}

const withoutText: ReadonlySet<string> = new Set(['image_url', 'file_data', 'encrypted_content', 'id']);

function textBytes(item: Item): number {
  return Buffer.byteLength(JSON.stringify(item, (name, value: unknown) => (withoutText.has(name) ? undefined : value)));
}
