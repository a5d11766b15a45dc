/** Names that chat-completions servers accept, made so that the same tool always gets the same one. */
import { hash } from 'node:crypto';

const accepted = /^[A-Za-z0-9_-]{1,64}$/;
const maxLength = 64;

/**
 * The one flat name of a tool: `namespace__name`, or `name` alone.
 *
 * A pure function of the pair, so that the calls of a history and the tools of a request agree without shared state.
 * What a server would refuse (other characters, more than 64) is replaced and told apart by eight digits of a hash.
 */
export function toChatName(name: string, namespace?: string | null): string {
  const flat = namespace ? `${namespace}__${name}` : name;
  if (accepted.test(flat)) return flat;
  const digest = hash('sha256', flat).slice(0, 8);
  return `${flat.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, maxLength - digest.length - 1)}_${digest}`;
}
