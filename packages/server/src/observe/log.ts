/** The log: one pino logger, for people or for machines. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { createPrettyStream } from './pretty.ts';

/** What the rest of the server logs with. Per turn and per connection, never per token. */
export type Log = Logger;

/** How to log. */
export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'pretty' | 'json';
  /** Where lines go. */
  readonly destination: DestinationStream;
  /** Colours, in the pretty format. */
  readonly colour?: boolean;
}

/** Fields that may carry a key, wherever a caller happens to log headers or options. */
const secretFields = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api_key', 'apiKey', 'secret'];
const redactedPaths = secretFields.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]);

/** A logger. Secrets are redacted; errors are written with their cause. */
export function createLog(options: LogOptions): Log {
  const destination =
    options.format === 'pretty'
      ? createPrettyStream(options.destination, options.colour ?? false)
      : options.destination;
  return pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '[secret]' },
    },
    destination,
  );
}
