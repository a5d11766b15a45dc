import { EventEmitter } from 'node:events';
import type { Io, Sink, StopSignal } from '../../src/cli/io.ts';

/** A world without files, with two sinks that remember, and signals that a test sends. */
export function createTestIo(files: Record<string, string> = {}) {
  const signals = new EventEmitter();
  const [out, err] = [createSink(), createSink()];
  const io: Io = {
    out,
    err,
    readFile(path) {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return text;
    },
    onReload: () => () => {},
    onStopSignal(listener) {
      signals.on('signal', listener);
      return () => signals.off('signal', listener);
    },
    elapsedMs: () => 123.4,
  };
  return { io, out, err, send: (signal: StopSignal) => void signals.emit('signal', signal), signals };
}

function createSink(): Sink & { text: string } {
  return {
    text: '',
    isTerminal: false,
    write(text) {
      this.text += text;
    },
  };
}
