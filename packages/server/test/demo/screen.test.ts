import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, test } from 'vitest';
import { createPainter } from '../../src/cli/demo/painter.ts';
import { screenColumns, screenRows, toProgressLine, toScreen } from '../../src/cli/demo/screen.ts';
import { createMadeUpRace } from './made-up.ts';

describe('the screen', () => {
  it.each([
    [0, 0],
    [1, 0],
    [7, 19],
    [30, 30],
  ])('has its size with %i and %i turns played', (left, right) => {
    const lines = toScreen(createMadeUpRace(left, right), '1 of 1', false);
    expect(lines).toHaveLength(screenRows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(screenColumns);
    expect(lines.join('\n')).not.toContain('\u001B');
    const halves = lines.slice(3).map((line) => line.split('│').map((half) => half.length));
    expect(new Set(halves.map(String)).size).toBe(1);
  });

  it('tells how far both sides are, and charts them by one scale', () => {
    const lines = toScreen(createMadeUpRace(15, 30), '2 of 3', false);
    expect(lines[0]).toBe('airline-27 (2 of 3): 30 turns, 27 tool calls');
    expect(lines[4]).toMatch(/^━{16}·{15} 15\/30 │ ━{31} 30\/30$/);
    expect(lines[5]).toMatch(/time .*│ +time, done +6\.0 s/);
    expect(lines[6]).toMatch(/sent +15\.0 MB +│ +sent +300 KB/);
    // 200 ms fill the chart, 100 ms half of it.
    expect(lines[10]).toMatch(/^█{18,19} +│ +$/);
    expect(lines[13]).toMatch(/^█{18,19} +│ █{37}$/);
  });

  it('has colours for each half where they are wanted', () => {
    const [plain, coloured] = [false, true].map((colour) => toScreen(createMadeUpRace(3, 4), '1 of 1', colour));
    expect(coloured?.map((line) => stripVTControlCharacters(line))).toEqual(plain);
    expect(coloured?.at(-1)).not.toBe(plain?.at(-1));
  });
});

test('a line tells the same to a log', () => {
  expect(toProgressLine(createMadeUpRace(3, 4))).toBe(
    '  0.0 s  airline-27: HTTP 3/30, 3.0 MB sent; WebSocket 4/30, 40 KB sent',
  );
});

describe('the painter', () => {
  it('draws over what it drew, and gives the terminal back', () => {
    let written = '';
    const painter = createPainter({ isTerminal: true, write: (text) => void (written += text) });
    painter.draw(['a', 'b']);
    painter.draw(['c', 'd']);
    painter.end();
    expect(written).toBe(
      '\u001B[?25l\u001B[?7l\r\u001B[Ka\n\r\u001B[Kb\n\u001B[2A\r\u001B[Kc\n\r\u001B[Kd\n\u001B[?7h\u001B[?25h',
    );
  });

  it('touches nothing where nothing was drawn', () => {
    let written = '';
    createPainter({ isTerminal: true, write: (text) => void (written += text) }).end();
    expect(written).toBe('');
  });
});
