/** What a compaction leaves behind: with store:false nothing but the item that the client keeps, and a key in no log. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestSocket } from '../harness.ts';
import { loadConfig } from '../../src/config/config.ts';
import { startServer } from '../../src/server.ts';
import { createRememberingEngine } from './world.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwire-retention-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Every byte of the data folder. */
function written(): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('\n');
}

it.each([
  ['store:false', [], { store: false }],
  ['zero retention', ['--zero-retention'], { store: true }],
])('with %s nothing of it is written down, and no key is logged', async (_case, flags, fields) => {
  const log: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(chunk.toString());
      done();
    },
  });
  const config = loadConfig(['--port', '0', '--data', folder, ...flags], {}, () => '');
  const { engine } = createRememberingEngine();
  const server = await startServer(config, pino({ level: 'trace' }, sink), { engines: [engine] });
  try {
    using socket = await TestSocket.open(server.url);
    socket.create({ ...fields, input: [{ role: 'user', content: 'fact-1' }, { type: 'compaction_trigger' }] });
    const { id, output } = await socket.response();
    socket.create({ ...fields, previous_response_id: id, input: 'Report.' });
    expect(JSON.stringify((await socket.response()).output)).toContain('I know fact-1.');
    const [item] = output;
    const key = readFileSync(join(folder, 'sealing.keys'), 'utf8').trim().split('\n').at(-1) ?? '';
    expect(key).toHaveLength(44);
    const sealed = item?.type === 'compaction' ? item.encrypted_content : '';
    expect(sealed).toMatch(/^lw1_/);
    for (const secret of ['fact-1', 'Read so far', sealed, id]) expect(written()).not.toContain(secret);
    expect(log.join('')).toContain(id);
    for (const secret of [key, 'fact-1', 'Read so far', sealed]) expect(log.join('')).not.toContain(secret);
  } finally {
    await server.close();
  }
});
