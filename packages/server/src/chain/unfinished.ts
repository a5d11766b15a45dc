/** Output that a chain does not go on from. */
import type { OutputItem } from '@longwire/protocol';

/** What was cut off and nobody can use: the response tells it, but the chain does not hold it. */
export function isUnfinished(item: OutputItem): boolean {
  switch (item.type) {
    case 'function_call':
    case 'custom_tool_call':
      return item.status === 'incomplete';
    case 'compaction':
      return item.encrypted_content === '';
    default:
      return false;
  }
}
