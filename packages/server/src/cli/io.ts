/** What a command has of the world around it, so that tests can hand it another. */
import { readFileSync } from 'node:fs';

/** Signals that ask the program to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** A terminal, a pipe, or a test's buffer. */
export interface Sink {
  write(text: string): void;
  /** Whether people are watching. */
  readonly isTerminal: boolean;
  /** Of a terminal, as it is now; absent where nobody knows. In characters. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined;
}

/** The world of a command. */
export interface Io {
  readonly out: Sink;
  readonly err: Sink;
  /** Throws as `fs.readFileSync` does. */
  readonly readFile: (path: string) => string;
  /** Calls `listener` at each of the signals, until the returned function is called. */
  onStopSignal(listener: (signal: StopSignal) => void): () => void;
  /** Calls `listener` when the configuration should be read again (SIGHUP), until the returned function is called. */
  onReload(listener: () => void): () => void;
  /** Milliseconds since the process started. */
  elapsedMs(): number;
}

const stopSignals: readonly StopSignal[] = ['SIGINT', 'SIGTERM'];

/** The real world. */
export function createProcessIo(): Io {
  return {
    out: toSink(process.stdout),
    err: toSink(process.stderr),
    readFile: (path) => readFileSync(path, 'utf8'),
    onStopSignal(listener) {
      for (const signal of stopSignals) process.on(signal, listener);
      return () => {
        for (const signal of stopSignals) process.off(signal, listener);
      };
    },
    onReload(listener) {
      process.on('SIGHUP', listener);
      return () => void process.off('SIGHUP', listener);
    },
    elapsedMs: () => performance.now(),
  };
}

function toSink(stream: NodeJS.WriteStream): Sink {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    get size() {
      return stream.isTTY ? { columns: stream.columns, rows: stream.rows } : undefined;
    },
  };
}
