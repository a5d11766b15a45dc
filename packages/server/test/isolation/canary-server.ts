/**
 * A server for retention.test.ts, in a process of its own: `canary-server.ts CANARY FLAGS…`. Its engine says the canary in everything
 * that it makes, and fails with errors that quote what it was given.
 */
import { errors, type Item } from '@longwire/protocol';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createLog } from '../../src/observe/log.ts';
import { startServer } from '../../src/server.ts';

const [, , canary = '', ...flags] = process.argv;
const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 };

/** Quotes the whole prompt, as exceptions of models and templates do: in its words, in its cause, in a field of its own. */
function quote(items: readonly Item[]): Error {
  const prompt = JSON.stringify(items);
  const error = new TypeError(`Cannot evaluate: ${prompt}`, {
    cause: new Error(`because of ${prompt}`, { cause: prompt }),
  });
  return Object.assign(error, { prompt, code: prompt });
}

const engine: Engine<readonly Item[]> = {
  name: 'canary',
  models: async () => [{ id: 'canary-model', created: 0, ownedBy: 'test' }],
  extend(parent, items) {
    const all = [...(parent ?? []), ...items];
    const said = JSON.stringify(items);
    if (said.includes('refuse')) throw errors.invalidPrompt(`The template refuses ${said}.`, quote(all));
    if (said.includes('collapse')) throw quote(all);
    return all;
  },
  async *generate({ context, preamble }) {
    const said = JSON.stringify(context.at(-1));
    yield [{ type: 'reasoning.delta', delta: `${canary} reasoning` }];
    if (said.includes('explode')) throw quote([...context, { type: 'x:y', preamble }]);
    if (said.includes('reject')) throw errors.engineUnavailable(`The engine says: ${said}`, quote(context));
    yield [
      { type: 'reasoning_summary.delta', delta: `${canary} summary` },
      { type: 'text.delta', delta: `${canary} text` },
      { type: 'refusal.delta', delta: `${canary} refusal` },
      ...(said.includes('call')
        ? ([
            { type: 'call.start', kind: 'function', name: 'look', callId: 'call_1' },
            { type: 'call.delta', delta: `{"${canary}":"arguments"}` },
          ] as const)
        : []),
      { type: 'end', reason: 'stop', usage },
    ];
  },
  release: () => {},
  close: async () => {},
};

const config = loadConfig(['--port', '0', '--scripted', 'unused', '--log-level', 'trace', ...flags], {}, () => '');
const log = createLog({ ...config.log, destination: process.stderr });
const { url } = await startServer(config, log, { engines: [engine as Engine] });
process.stdout.write(`${url}\n`);
