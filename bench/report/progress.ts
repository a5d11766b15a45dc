/** What is being done, on one line of a terminal, or line by line elsewhere. */

/** A line that is said over and over. */
export interface Progress {
  readonly say: (sentence: string) => void;
  /** Leaves the terminal clean. */
  end(): void;
}

/** Progress on a stream, with the time that has passed. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  const startMs = performance.now();
  return {
    say(sentence) {
      const seconds = Math.round((performance.now() - startMs) / 1000);
      const line = `${String(seconds).padStart(4)} s  ${sentence}`;
      stream.write(stream.isTTY ? `\r\u001B[K${line}` : `${line}\n`);
    },
    end() {
      if (stream.isTTY) stream.write('\r\u001B[K');
    },
  };
}
