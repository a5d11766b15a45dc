/** What is not to be kept is nowhere to be found: not in the data folder, not in temporary files, not in the log at its loudest. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { TestSocket } from '../harness.ts';

const canary = 'canary-7f3a91';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A request with the canary in every field that takes a text. */
function fullRequest(word: string): Record<string, unknown> {
  const note = (where: string) => `${canary} ${where} ${word}`;
  return {
    model: 'canary-model',
    instructions: note('instructions'),
    input: [
      { role: 'developer', content: note('easy message'), id: note('message id') },
      { role: 'user', content: [{ type: 'input_image', image_url: `data:text/plain,${canary}`, detail: 'low' }] },
      { role: 'user', content: [{ type: 'input_file', filename: note('name'), file_data: note('file') }] },
      { type: 'reasoning', id: note('id'), summary: [{ type: 'summary_text', text: note('summary') }] },
      { type: 'function_call', call_id: note('call'), name: 'look', arguments: `{"${canary}":1}` },
      { type: 'function_call_output', call_id: note('call'), output: note('output') },
      { type: 'custom_tool_call', call_id: note('custom'), name: 'patch', input: note('custom input') },
      {
        type: 'custom_tool_call_output',
        call_id: note('custom'),
        output: [{ type: 'input_text', text: note('part') }],
      },
      { type: 'slug:novelty', anything: note('novelty') },
      { role: 'user', content: [{ type: 'input_text', text: note('last') }] },
    ],
    tools: [{ type: 'function', name: 'look', description: note('tool'), parameters: { title: note('parameters') } }],
    text: { format: { type: 'json_schema', name: 'answer', schema: { title: note('schema') } } },
    metadata: { [`${canary} key`]: note('metadata') },
    user: note('user'),
    safety_identifier: note('safety'),
    prompt_cache_key: note('cache key'),
    client_metadata: { trace: note('client metadata') },
    novelty: note('unknown field'),
  };
}

interface Leftovers {
  /** The log, and everything else that the process printed. */
  readonly log: string;
  /** Contents of all files below the data folder and the folder for temporary files, by name. */
  readonly files: ReadonlyMap<string, string>;
}

/** Runs turns of every kind over both transports, kills the process without a warning, and collects what it left. */
async function runAndKill(store: boolean, flags: readonly string[] = []): Promise<Leftovers> {
  const folder = mkdtempSync(join(tmpdir(), 'longwire-canary-'));
  folders.push(folder);
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const path = fileURLToPath(new URL('canary-server.ts', import.meta.url));
  const args = [path, canary, '--data', join(folder, 'data'), '--log-format', 'json', ...flags];
  const server = spawn(process.execPath, args, {
    cwd: temporary,
    env: { PATH: process.env['PATH'], TMPDIR: temporary },
  });
  const log = text(server.stderr);
  const [url] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];

  using socket = await TestSocket.open(url);
  for (const stream_id of [undefined, 'lane']) {
    socket.create({ ...fullRequest('call'), store, stream_id });
    const { id } = await socket.response(stream_id);
    const output = { type: 'function_call_output', call_id: 'call_1', output: `${canary} result` };
    socket.create({ model: 'canary-model', store, stream_id, previous_response_id: id, input: [output] });
    await socket.response(stream_id);
    for (const word of ['refuse', 'collapse', 'explode', 'reject']) {
      socket.create({ ...fullRequest(word), store, stream_id });
      await socket.turn(stream_id);
    }
  }
  socket.send(`{"type":"response.create","${canary}":`);
  await socket.error();
  socket.create({ ...fullRequest('call'), store, temperature: canary });
  await socket.error();
  for (const stream of [false, true]) {
    for (const word of ['', 'refuse', 'collapse', 'explode', 'reject']) {
      const body = JSON.stringify({ ...fullRequest(word), store, stream });
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${canary}-key` };
      await (await fetch(`${url}/responses`, { method: 'POST', headers, body })).text();
    }
  }
  const exited = once(server, 'exit');
  server.kill('SIGKILL');
  await exited;
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = names.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')] as const);
  return { log: await log, files: new Map(files) };
}

/** Places in a text where the canary stands, with what is around it. */
function traces(content: string): string[] {
  return [...content.matchAll(new RegExp(`.{0,120}${canary}.{0,40}`, 'gs'))].map(([found]) => found);
}

describe('a server that was killed', () => {
  it('leaves nothing of requests with store:false', async () => {
    const { log, files } = await runAndKill(false);
    expect(traces(log)).toEqual([]);
    expect([...files].flatMap(([name, content]) => traces(content).map((found) => `${name}: ${found}`))).toEqual([]);
    // It did log: the turns, and that some of them failed, and where.
    expect(log).toContain('"message":"turn"');
    expect(log).toContain('canary-server.ts');
  });

  it('leaves nothing with zero retention, whatever the request says', async () => {
    const { log, files } = await runAndKill(true, ['--zero-retention']);
    expect(traces(log)).toEqual([]);
    expect([...files].flatMap(([name, content]) => traces(content).map((found) => `${name}: ${found}`))).toEqual([]);
  });

  it('has kept what was to be stored, and only there: the log holds no content either way', async () => {
    const { log, files } = await runAndKill(true);
    expect([...files].filter(([, content]) => content.includes(canary)).map(([name]) => name)).toContain(
      'longwire.sqlite-wal',
    );
    expect(traces(log)).toEqual([]);
  });
});
