import { expect, test } from 'vitest';
import { toDemoPage } from '../../src/cli/demo/page.ts';
import { toNotes, toSavings, toSummary, toSummaryRows } from '../../src/cli/demo/summary.ts';
import { createMadeUpRace, settings } from './made-up.ts';

test('the table has both sides and how many times one is the other', () => {
  expect(toSummaryRows(createMadeUpRace(30, 30))).toEqual([
    ['airline-27', 'HTTP, full history', 'WebSocket, new items', ''],
    ['wall time', '9.0 s', '6.0 s', '1.5x'],
    ['  until the first tokens', '6.0 s', '3.0 s', '2.0x'],
    ['  from them to the end', '3.0 s', '3.0 s', '1.0x'],
    ['bytes sent', '30.0 MB', '300 KB', '100.0x'],
    ['time to first token, median', '200 ms', '100 ms', '2.0x'],
    ['  in the last ten turns', '200 ms', '100 ms', '2.0x'],
  ]);
  const lines = toSummary(createMadeUpRace(30, 30)).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
});

test('what is saved is told for a model of ordinary pace, too', () => {
  // 1,439 tokens are 1.4 s at 1,000 tokens a second and 22.1 s at 65.
  expect(toSavings(createMadeUpRace(30, 30))).toBe(
    'airline-27: 3.0 s of 9.0 s saved (33 %). With a model of 65 tokens a second the same 3.0 s would be 10 % of the waiting.',
  );
});

test('the notes say what was simulated', () => {
  expect(toNotes(settings).join(' ')).toMatch(
    /1,000 tokens a second.*model of TCP with a round trip of 40 ms.*deflated/s,
  );
  expect(toNotes({ ...settings, rttMs: 0, deflate: false }).join(' ')).toMatch(/the link is loopback/);
});

test('the page needs nothing from elsewhere, and has a picture of each measure', () => {
  const page = toDemoPage([createMadeUpRace(30, 30), createMadeUpRace(30, 30)], ['a <b>']);
  expect(page).not.toMatch(/<(script|link|img)|https?:|a <b>/);
  expect(page.match(/<svg /g)).toHaveLength(8);
  expect(page.match(/<polyline /g)).toHaveLength(16);
  expect(page).toContain('Turn time');
});
