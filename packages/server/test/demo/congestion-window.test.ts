import { expect, test } from 'vitest';
import { CongestionWindow, initialWindowBytes } from '../../src/cli/congestion-window.ts';

/** Rounds of acknowledgements until `bytes` have left a window. */
function rounds(window: CongestionWindow, bytes: number, startMs = 0): number {
  let left = bytes;
  window.wake(startMs);
  for (let round = 0; ; round++) {
    const sent = window.send(left, startMs + round * 40);
    left -= sent;
    if (left === 0) {
      window.acknowledge(sent);
      return round;
    }
    window.acknowledge(sent);
  }
}

test.each([
  [1000, 0],
  [initialWindowBytes, 0],
  [initialWindowBytes + 1, 1],
  [3 * initialWindowBytes, 1],
  [7 * initialWindowBytes, 2],
  [400_000, 4],
])('%i bytes wait for %i rounds of slow start', (bytes, expected) => {
  expect(rounds(new CongestionWindow(40), bytes)).toBe(expected);
});

test('nothing leaves a window that is full', () => {
  const window = new CongestionWindow(40);
  expect(window.send(20_000, 0)).toBe(initialWindowBytes);
  expect(window.send(5400, 1)).toBe(0);
  window.acknowledge(initialWindowBytes);
  expect(window.send(5400, 40)).toBe(5400);
});

test('what was learned stays for a time-out of silence, and each one halves it', () => {
  const learned = () => {
    const window = new CongestionWindow(40);
    rounds(window, 400_000);
    return window;
  };
  const roundsAfter = (silenceMs: number) => rounds(learned(), 200_000, 160 + silenceMs);
  expect([100, 240, 600, 10_000].map(roundsAfter)).toEqual([0, 0, 1, 3]);
});

test('a trickle does not widen the window', () => {
  const window = new CongestionWindow(40);
  for (let ms = 0; ms < 4000; ms += 40) {
    window.wake(ms);
    window.send(500, ms);
    window.acknowledge(500);
  }
  expect(window.send(100_000, 4040)).toBe(initialWindowBytes);
});
