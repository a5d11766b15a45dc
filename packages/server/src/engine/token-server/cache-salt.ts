/** What keeps the prefix caches of projects apart on one server. */
import { createHash } from 'node:crypto';

/**
 * The same for all turns of a project, and another for every other one: 43 characters of base64url. A server that salts its prefix cache with
 * it never goes on from what it evaluated for another project, which would show in `cached_tokens`, and in time. Does not tell the name.
 */
export function toCacheSalt(project: string): string {
  return createHash('sha256').update(`longwire cache ${project}`).digest('base64url');
}
