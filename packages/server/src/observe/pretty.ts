/** Log lines for people: `12:03:04.512Z INFO  turn finished response=resp_… ms=41`. */
import type { DestinationStream } from 'pino';

const colours: Record<string, string> = {
  trace: '\u001b[2m',
  debug: '\u001b[2m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[31m',
};
const dim = '\u001b[2m';
const plain = '\u001b[0m';

/** A stream that takes pino's JSON lines and writes readable ones to `destination`. */
export function createPrettyStream(destination: DestinationStream, colour: boolean): DestinationStream {
  return {
    write(line) {
      destination.write(toPrettyLine(JSON.parse(line) as Record<string, unknown>, colour));
    },
  };
}

function toPrettyLine(entry: Record<string, unknown>, colour: boolean): string {
  const { level, time, message, error, ...fields } = entry;
  const paint = (start: string | undefined, text: string) => (colour && start ? start + text + plain : text);
  const parts = [
    paint(dim, toText(time).slice(11, 24)),
    paint(colours[String(level)], String(level).toUpperCase().padEnd(5)),
    toText(message),
    ...Object.entries(fields).map(([name, value]) => paint(dim, `${name}=${toField(value)}`)),
  ];
  return `${parts.filter((part) => part !== '').join(' ')}\n${error === undefined ? '' : toErrorLines(error)}`;
}

function toText(value: unknown): string {
  return typeof value === 'string' ? escapeControls(value) : value === undefined ? '' : JSON.stringify(value);
}

function toField(value: unknown): string {
  return typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : escapeControls(JSON.stringify(value));
}

/** The stack (pino appends the causes to it), indented below the entry. */
function toErrorLines(error: unknown): string {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? error.stack : undefined;
  const text = typeof stack === 'string' ? stack : JSON.stringify(error);
  return text
    .split('\n')
    .map((line) => `    ${escapeControls(line)}\n`)
    .join('');
}

/** Line breaks and escape sequences in logged text would otherwise forge entries and drive the reader's terminal. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
