import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { parseDemoOptions } from '../../src/cli/demo/options.ts';
import { run } from '../../src/cli/main.ts';
import { createTestIo } from '../cli/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'longwire-demo-test-'));
const html = join(folder, 'demo.html');
const quick = ['demo', '--rollouts', 'airline-27', '--rtt-ms', '0', '--html', html];

/** Cursor and line wrap off, and on again. */
const takesTerminal = '\u001B[?25l\u001B[?7l';
const givesTerminal = '\u001B[?7h\u001B[?25h';

afterAll(() => rmSync(folder, { recursive: true }));

/** A test's world whose output is a terminal. */
function createTerminal() {
  const world = createTestIo();
  const size = { columns: 80, rows: 24 };
  const out = { isTerminal: true, size, write: (text: string) => world.out.write(text) };
  return { ...world, io: { ...world.io, out } };
}

describe('longwire demo', () => {
  it('ends with the table, the notes and the page', async () => {
    const { io, out, err } = createTestIo();
    expect(await run([...quick, '--rate', '1000000'], {}, io)).toBe(0);
    expect(err.text).toBe('');
    expect(out.text).toMatch(/wall time .* s .* s .*x\n/);
    expect(out.text).toContain(`Turn by turn: ${html}`);
    expect(out.text).not.toContain('\u001B');
    expect(Math.max(...out.text.split('\n').map((line) => line.length))).toBeLessThan(80 + html.length);
    expect(readFileSync(html, 'utf8')).toContain('</html>');
  });

  it('draws on a terminal, and leaves it as it was', async () => {
    const { io, out } = createTerminal();
    expect(await run([...quick, '--rate', '1000000'], { NO_COLOR: '1' }, io)).toBe(0);
    expect(out.text.startsWith(takesTerminal)).toBe(true);
    expect(stripVTControlCharacters(out.text)).toMatch(/30\/30 │ .*30\/30.*wall time/s);
    expect(out.text.lastIndexOf(givesTerminal)).toBeGreaterThan(out.text.lastIndexOf('30/30'));
  });

  it('stops at Ctrl-C and shows the cursor again', async () => {
    const { io, out, err, send } = createTerminal();
    const ended = run([...quick, '--rate', '1'], {}, io);
    await vi.waitFor(() => expect(out.text).toMatch(/time +(?!0\.0)\d+\.\d s/), { timeout: 30_000 });
    send('SIGINT');
    expect(await ended).toBe(130);
    expect(out.text.endsWith(givesTerminal)).toBe(true);
    expect(err.text).toBe('');
  });

  it('shows how it is used', async () => {
    const { io, out } = createTestIo();
    expect(await run(['demo', '--help'], {}, io)).toBe(0);
    for (const option of ['--rollouts', '--rtt-ms', '--pause-ms', '--rate', '--html', '--agent', '--max-steps']) {
      expect(out.text).toContain(`\n  ${option}`);
    }
    expect(out.text).toContain('longwire demo --agent');
  });
});

describe('longwire demo --agent', () => {
  it('repairs the file with the demo model, and the test says so', async () => {
    const { io, out } = createTestIo();
    expect(await run(['demo', '--agent'], {}, io)).toBe(0);
    expect(out.text).toMatch(
      /return a - b.*edit_file .*return a \+ b.*The test, run once more: all tests passed\nRepaired/s,
    );
  });

  it('shows a failure as a failure', async () => {
    const { io, out } = createTestIo();
    expect(await run(['demo', '--agent', '--max-steps', '2'], {}, io)).toBe(1);
    expect(out.text).toMatch(/expected 5, got -1\nNot repaired: the model was stopped after 2 turns/);
  });
});

describe('the command line', () => {
  it('has defaults', () => {
    expect(parseDemoOptions([])).toEqual({
      kind: 'race',
      rollouts: ['airline-27', 'coding-90'],
      rttMs: 40,
      pauseMs: 10_000,
      deflate: true,
      rate: 3000,
      htmlPath: null,
    });
    expect(parseDemoOptions(['--agent'])).toEqual({ kind: 'agent', maxSteps: 12 });
  });

  it.each([
    [['--rollouts', 'airline-72'], '--rollouts has no airline-72. Did you mean airline-27?'],
    [['--rtt-ms', 'x'], '--rtt-ms needs a whole number from 0 to 2,000.'],
    [['--rate', '0'], '--rate needs a whole number from 1 to 1,000,000.'],
    [['--html', '/nowhere/at/all.html'], '--html cannot be written: /nowhere/at is no folder, or not for this user.'],
    [['--agent', '--rate', '5'], '--rate is for the demo without --agent.'],
    [['--max-steps', '5'], '--max-steps is for the demo with --agent.'],
    [['--agent=yes'], '--agent is a switch: it takes no value.'],
    [['--rtt'], 'Unknown option --rtt. Did you mean --rate? See longwire demo --help.'],
    [['airline-27'], 'longwire demo takes options only. See longwire demo --help.'],
  ])('answers a mistake with a sentence: %j', (argv, sentence) => {
    expect(() => parseDemoOptions(argv)).toThrow(sentence);
  });
});
