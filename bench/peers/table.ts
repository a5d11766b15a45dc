/** The comparison for a terminal. */
import { toColumns } from '../../packages/server/src/cli/columns.ts';
import { median } from '../figures.ts';
import { spread, toText } from '../report/table.ts';
import { ratiosTo, type Measured, type Outcome } from './comparison.ts';

const fields: readonly { readonly field: keyof Measured; readonly head: string }[] = [
  { field: 'earlyMs', head: 'added early, ms' },
  { field: 'lateMs', head: 'added at 100k, ms' },
  { field: 'turnCpuMs', head: 'CPU a turn, ms' },
  { field: 'tokenCpuUs', head: 'CPU a token, us' },
];
const wireNames = { chat: 'In front of chat completions', responses: 'In front of a Responses API' } as const;

/** A table for each wire. A ratio is the median of the rounds' own, to Longwire in the same mode. */
export function toPeerTable(outcomes: readonly Outcome[]): string {
  const tables = Object.entries(wireNames).flatMap(([wire, name]) => {
    const these = outcomes.filter(({ peer, rounds }) => peer.wire === wire && rounds.length > 0);
    if (these.length === 0) return [];
    const rows = these.map((each) => [
      each.peer.title,
      each.mode,
      ...fields.flatMap(({ field }) => {
        const ratio = median(ratiosTo(outcomes, each, each.mode, field));
        return [spread(each.rounds.map((measured) => measured[field])), Number.isNaN(ratio) ? '' : `${toText(ratio)}x`];
      }),
    ]);
    return [`${name}\n${toColumns([['server', 'mode', ...fields.flatMap(({ head }) => [head, ''])], ...rows])}`];
  });
  return tables.join('\n\n');
}

/** What each server does with a turn. */
export function toNotes(outcomes: readonly Outcome[]): string {
  const notes = outcomes.map(({ peer: { title, package: from, does } }) => {
    return `${title}${from === null ? '' : ` (${from.name} ${from.version})`}: ${does}.`;
  });
  return [...new Set(notes)].join('\n');
}

/** Peers that did not start, and modes in which one failed. */
export function toFailures(
  missing: readonly { readonly title: string; readonly why: string }[],
  outcomes: readonly Outcome[],
): string {
  const failed = outcomes.flatMap(({ peer, mode, failure }) =>
    failure === null ? [] : [`${peer.title}, ${mode}, failed at ${failure}`],
  );
  return [...missing.map(({ title, why }) => `${title} does not run here: ${why}`), ...failed].join('\n');
}
