/** The fault table: every fault of clients.md 4 that Longwire can meet or make, played for real. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chatFaults } from './chat-fault.ts';
import { check } from './checks.ts';
import type { FaultCase, FaultReport, Place } from './fault-stage.ts';
import { sessionFaults } from './session-faults.ts';
import { turnFaults } from './turn-faults.ts';

/** Those that need nothing but Codex and Longwire, in the order of the table. */
export const faults: readonly FaultCase[] = [...turnFaults, ...sessionFaults, ...chatFaults];

/** A line of the table. */
export interface FaultResult extends FaultReport {
  readonly fault: string;
  readonly expected: string;
}

/** Most of a fault is waiting for Codex to try again; more at once would make it wait for the processor. */
const atOnce = 2;

/** Plays the faults, each in a folder of its own under `place`. The results are in the order of the faults. */
export async function playFaults(cases: readonly FaultCase[], place: Place): Promise<FaultResult[]> {
  const results: FaultResult[] = [];
  const waiting = cases.entries();
  const player = async () => {
    for (const [index, { fault, expected, play }] of waiting) {
      if (place.signal.aborted) return;
      const folder = join(place.folder, `fault-${index}`);
      mkdirSync(folder);
      const report = await play({ ...place, folder }).catch((error: unknown) => ({
        seen: 'did not run to its end',
        checks: [check('it ran to its end', false, String(error))],
      }));
      results[index] = { fault, expected, ...report };
    }
  };
  await Promise.all(Array.from({ length: atOnce }, player));
  return results.filter((result) => result !== undefined);
}

/** The table, and under a line of it what does not hold. */
export function renderFaults(results: readonly FaultResult[]): string {
  const widths = [
    widthOf(results.map(({ fault }) => fault)),
    widthOf(results.map(({ expected }) => expected)),
  ] as const;
  return results
    .flatMap(({ fault, expected, seen, checks }) => {
      const broken = checks.filter(({ holds }) => !holds);
      const mark = broken.length === 0 ? 'ok  ' : 'FAIL';
      return [
        `  ${mark}  ${fault.padEnd(widths[0])}  ${expected.padEnd(widths[1])}  ${seen}`,
        ...broken.map(({ about, seen: what }) => `          ${about}: ${what}`),
      ];
    })
    .join('\n');
}

function widthOf(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length));
}
