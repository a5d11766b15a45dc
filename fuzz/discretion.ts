/** Errors tell what the client did wrong, and nothing of the server's inside. */
import type { KnownEvent } from '@longwire/protocol';

/** What a stack trace, a path or an engine's own exception looks like. */
const inside = /\n\s+at |node:internal|node_modules|file:\/\/|\.(ts|mjs|js):\d+|(Type|Range|Syntax|Reference)Error\b/;

/** Throws when an error says too much, or says that the server itself has failed: its engine here never does. */
export function requireDiscretion(event: KnownEvent): void {
  if (event.type === 'response.failed') throw new Error('A response failed.');
  if (event.type !== 'error' || !('error' in event)) return;
  if (event.error.code === 'server_error') throw new Error('The server failed.');
  requireDiscreetText(event.error.message);
}

/** The same for the words alone. */
export function requireDiscreetText(message: string): void {
  if (inside.test(message)) throw new Error('An error shows the inside of the server.');
}
