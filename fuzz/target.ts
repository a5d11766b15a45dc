/** The server under fire, in a process of its own: `target.ts FOLDER`. It tells its parent its URL, and its memory when asked. */
import { createScriptedEngine } from '../packages/server/src/engine/scripted/scripted.ts';
import type { WorkloadTurn } from '../packages/server/src/engine/scripted/workload.ts';
import type { Engine } from '../packages/server/src/engine/engine.ts';
import { loadConfig } from '../packages/server/src/config/config.ts';
import { createLog } from '../packages/server/src/observe/log.ts';
import { startServer } from '../packages/server/src/server.ts';
import { createMemoryStore } from '../packages/server/src/store/memory/memory.ts';
import type { Store } from '../packages/server/src/store/store.ts';
import { modelName } from './inputs.ts';

const counts = { input: [], contextTokens: 20, newTokens: 8, outputTokens: 5 };
const part = (text: string) => [{ type: 'output_text' as const, text, annotations: [], logprobs: [] }];

const turns: WorkloadTurn[] = [
  {
    ...counts,
    output: [{ type: 'message', id: 'msg_0', role: 'assistant', status: 'completed', content: part('Hello.') }],
  },
  {
    ...counts,
    output: [
      { type: 'reasoning', id: 'rs_0', summary: [{ type: 'summary_text', text: 'Look there.' }] },
      { type: 'function_call', id: 'fc_0', call_id: 'call_1', name: 'look', arguments: '{}', status: 'completed' },
      { type: 'custom_tool_call', id: 'ctc_0', call_id: 'call_2', name: 'patch', input: '***', status: 'completed' },
    ],
  },
];

/** Responses that the store keeps: what it may keep must not look like a leak. */
const keptResponses = 500;

function createSmallStore(): Store {
  const store = createMemoryStore();
  const kept: [project: string, id: string][] = [];
  return {
    ...store,
    async put(stored, guard) {
      const isApplied = await store.put(stored, guard);
      kept.push([stored.project, stored.id]);
      const oldest = kept.length > keptResponses ? kept.shift() : undefined;
      if (oldest) await store.delete(...oldest);
      return isApplied;
    },
  };
}

const [, , folder = ''] = process.argv;
const flags = ['--port', '0', '--scripted', 'unused', '--data', folder, '--max-queued', '65536'];
const config = loadConfig([...flags, '--log-level', 'warn', '--log-format', 'json'], {}, () => '');
const log = createLog({ ...config.log, destination: process.stdout });
const workload = { name: modelName, instructions: '', tools: [], turns };
const server = await startServer(config, log, {
  engines: [createScriptedEngine({ workload, rate: 'instant' }) as Engine],
  store: createSmallStore(),
});

process.on('message', (question) => {
  if (question !== 'memory') return;
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({ rss, heapUsed });
});
process.on('disconnect', () => process.exit());
process.send?.({ url: server.url });
