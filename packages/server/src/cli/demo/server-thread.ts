/** A whole server in a thread: `longwire serve` with the flags that it is given, ended with the process that started it, however that ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig } from '../../config/config.ts';
import { createLog } from '../../observe/log.ts';
import { startServer } from '../../server.ts';

const config = loadConfig(workerData as readonly string[], {}, () => '');
const log = createLog({ level: 'silent', format: 'json', destination: { write: () => {} } });
const { url, models } = await startServer(config, log);
parentPort?.postMessage({ url, model: models[0]?.id });
