/** A server with a store in the file that is named; prints its URL. For crash.ts, which kills it. */
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { startTestServer } from '../harness.ts';

const server = await startTestServer({ store: await openSqliteStore(process.argv[2] ?? '') });
process.stdout.write(`${server.url}\n`);
