/** A server whose engine never ends; prints its URL. For restart.test.ts, which kills it. */
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';

const { engine } = createEchoEngine({ hold: () => Promise.withResolvers<void>().promise });
const server = await startTestServer({ engines: [engine], store: await openSqliteStore(process.argv[2] ?? '') });
process.stdout.write(`${server.url}\n`);
