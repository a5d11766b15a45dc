/** Brings a file to the newest schema: `migrations/0001-….sql` and on, counted in SQLite's `user_version`. */
import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

const folder = new URL('./migrations/', import.meta.url);

/** Runs what is missing, all in one transaction. Throws for a file that a newer version has written. */
export function migrate(connection: DatabaseSync): void {
  const migrations = readdirSync(folder).toSorted();
  if (versionOf(connection) === migrations.length) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    // Read again: another process may have been faster.
    const version = versionOf(connection);
    if (version > migrations.length) {
      throw new Error(
        `it was written by a newer Longwire (schema ${version}, this one knows ${migrations.length}). Update Longwire, or name another folder with --data.`,
      );
    }
    for (const name of migrations.slice(version)) connection.exec(readFileSync(new URL(name, folder), 'utf8'));
    connection.exec(`PRAGMA user_version = ${migrations.length}; COMMIT;`);
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(connection: DatabaseSync): number {
  return Number(connection.prepare('PRAGMA user_version').get()?.['user_version']);
}
