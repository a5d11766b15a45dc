/** Lines that are drawn over and over in the same place of a terminal. */
import type { Sink } from '../io.ts';

/** A place on the screen. The cursor is hidden and long lines are cut until `end`. */
export interface Painter {
  draw(lines: readonly string[]): void;
  /** Leaves what was drawn last on the screen, and the terminal as it was. */
  end(): void;
}

export function createPainter(out: Sink): Painter {
  let drawn = 0;
  return {
    draw(lines) {
      const start = drawn === 0 ? '\u001B[?25l\u001B[?7l' : `\u001B[${drawn}A`;
      out.write(start + lines.map((line) => `\r\u001B[K${line}\n`).join(''));
      drawn = lines.length;
    },
    end() {
      if (drawn > 0) out.write('\u001B[?7h\u001B[?25h');
      drawn = 0;
    },
  };
}
