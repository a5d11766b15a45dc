/**
 * Longwire with the engines of the benchmark, in a process of its own.
 *
 *   longwire.ts --engine URL     a scripted engine process: over its chat completions, and over sessions (models `NAME@session`)
 *   longwire.ts --scripted NAME  Longwire's own scripted engine, in the process: what the server costs without any engine
 *   longwire.ts --tokens NAME    an engine of token ids without a model: all of Longwire's own work on a chain; `--pace JSON` for its time
 *   longwire.ts --demo           the embedded engine with the model that comes along
 *
 * All may be given, `--scripted` several times. `--store off|memory|sqlite`, `--data FOLDER`. What follows `--` are flags of the server.
 */
import { enableCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import type { Engine } from '../../packages/server/src/engine/engine.ts';
import { loadWorkload } from '../workloads/load.ts';
import { createSessionEngine } from '../engine/session-engine.ts';
import { instant, type Pace } from '../engine/cost.ts';
import { createTokenEngine } from '../engine/token-engine.ts';
import { benchHost, obeySignals } from './announce.ts';

enableCompileCache();
const { startServer } = await import('../../packages/server/src/server.ts');
const { loadConfig } = await import('../../packages/server/src/config/config.ts');
const { createLog } = await import('../../packages/server/src/observe/log.ts');
const { createOpenAIChatEngine } = await import('../../packages/server/src/engine/openai-chat/openai-chat.ts');
const { createScriptedEngine } = await import('../../packages/server/src/engine/scripted/scripted.ts');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string' },
    models: { type: 'string', default: '' },
    scripted: { type: 'string', multiple: true, default: [] },
    tokens: { type: 'string' },
    pace: { type: 'string', default: '{}' },
    demo: { type: 'boolean', default: false },
    store: { type: 'string', default: 'off' },
    data: { type: 'string', default: '.' },
  },
});

const engines = values.scripted.map((name) => createScriptedEngine({ workload: loadWorkload(name), rate: 'instant' }));
const pace: Pace = { ...instant, ...(JSON.parse(values.pace) as Partial<Pace>) };
const ids = values.tokens === undefined ? [] : [(await createTokenEngine(values.tokens, pace)) as Engine];
const embedded = values.demo ? [await createDemoEngine()] : [];
const remote =
  values.engine === undefined
    ? []
    : [
        createOpenAIChatEngine({ name: 'text', baseUrl: `${values.engine}/v1` }),
        createSessionEngine(values.engine, values.models.split(',')),
      ];
const flags = ['--port', '0', '--host', '127.0.0.1', '--store', values.store, '--data', values.data];
const config = loadConfig([...flags, '--log-level', 'silent', ...positionals], {}, () => '');
const log = createLog({ level: 'silent', format: 'json', destination: { write: () => {} } });
// A namespace of the benchmark's own is no network that others are in: no key is needed on its address.
const listen = { ...config.listen, host: benchHost() };
const server = await startServer({ ...config, listen }, log, { engines: [...engines, ...ids, ...embedded, ...remote] });

obeySignals();
process.stdout.write(`${server.url}\n`);

/** Loaded only where it is asked for: the others measure their start without it. */
async function createDemoEngine(): Promise<Engine> {
  const { createLlamaEngine } = await import('../../packages/server/src/engine/llama/llama.ts');
  const { tinyDemo } = await import('../../packages/server/src/engine/llama/demo.ts');
  return (await createLlamaEngine(tinyDemo)) as Engine;
}
