/**
 * What the log may say about a turn that went wrong: which error, and where; never its words, because engines quote their prompts
 * in them (needs.md 12). Clients get the words, and only they.
 */
import { ProtocolError } from '@longwire/protocol';
import type { Log } from '../observe/log.ts';

/** Logs a failure with its cause. `fields` name the turn: ids, never content. */
export function logFailure(log: Log, error: ProtocolError, fields: Readonly<Record<string, string | null>>): void {
  const cause = error.cause === undefined ? {} : { error: withhold(error.cause) };
  log.warn({ ...fields, code: error.entry, ...cause }, 'failed');
}

/**
 * The same error without its words: its name, its codes and the places that it came through, and so for its causes. Errors of
 * the operating system keep their message, which names an address or a file.
 */
export function withhold(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(withheldMessage);
  const { name, message, stack = '' } = error;
  const words = 'syscall' in error ? message : withheldMessage;
  const copy = new Error(words, error.cause === undefined ? undefined : { cause: withhold(error.cause) });
  const head = message === '' ? name : `${name}: ${message}`;
  copy.name = name;
  copy.stack = `${name}: ${words}${stack.startsWith(head) ? stack.slice(head.length) : ''}`;
  return Object.assign(copy, codesOf(error));
}

const withheldMessage = '[withheld]';

function codesOf(error: Error): object {
  const fields = Object.entries(error).filter(([name, value]) =>
    name === 'code' ? /^[A-Z][A-Z0-9_]*$/.test(String(value)) : codeNames.has(name) && typeof value === 'number',
  );
  return Object.fromEntries(fields);
}

/** Of Node, of SQLite, of HTTP. */
const codeNames: ReadonlySet<string> = new Set(['errno', 'errcode', 'status']);

/** The same error of the catalogue without its cause: for doors that log what they are given. */
export function withoutCause({ entry, message, param, retryAfterMs }: ProtocolError): ProtocolError {
  return new ProtocolError(entry, { message, param, ...(retryAfterMs === null ? {} : { retryAfterMs }) });
}
