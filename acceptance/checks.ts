/** What was checked, what was seen, and the table of it. */

/** One statement about a run, true or not. */
export interface Check {
  readonly about: string;
  readonly holds: boolean;
  /** What was seen, in a few words. */
  readonly seen: string;
}

const seenWidth = 120;

/** A statement about a value. */
export function check(about: string, holds: boolean, seen: unknown): Check {
  const text = typeof seen === 'string' ? seen : JSON.stringify(seen);
  return { about, holds, seen: text.replaceAll(/\s+/g, ' ').trim().slice(0, seenWidth) };
}

/** The checks of one scenario as lines of a table. */
export function renderChecks(title: string, checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ about }) => about.length));
  return [
    title,
    ...checks.map(({ about, holds, seen }) =>
      `  ${holds ? 'ok  ' : 'FAIL'}  ${about.padEnd(width)}  ${seen}`.trimEnd(),
    ),
    '',
  ].join('\n');
}
