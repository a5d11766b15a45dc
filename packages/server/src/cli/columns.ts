/** Rows of words as a table for a terminal: each column as wide as its widest cell. */
export function toColumns(rows: readonly (readonly string[])[], numbers: 'left' | 'right' = 'left'): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const toLine = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        numbers === 'right' && column > 0 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map(toLine).join('\n');
}
