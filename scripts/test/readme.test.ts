import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../packages/server/src/config/config.ts';
import { startServer, type RunningServer } from '../../packages/server/src/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(`${root}/README.md`, 'utf8');
const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { scripts: Record<string, string> };
const run = promisify(execFile);

/** Code blocks of a language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, name, code]) =>
    name === language && code !== undefined ? [code] : [],
  );
}

describe('README.md', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer(
      loadConfig(['--port', '0', '--store', 'memory'], {}, () => ''),
      pino({ level: 'silent' }),
    );
  });
  afterAll(() => server.close());

  it('names only npm scripts that exist', () => {
    const named = [...readme.matchAll(/npm (?:run )?(start|test|[a-z]+)(?=[\s`])/g)].map(([, script]) => script ?? '');
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((script) => script !== 'run' && !(script in scripts))).toEqual([]);
  });

  it('shows a question to the demo model that is answered over the WebSocket', async () => {
    const line = blocks('sh').find((block) => block.includes('npm run chat')) ?? '';
    const question = /"([^"]+)"/.exec(line)?.[1] ?? '';
    const chat = ['packages/server/bin/longwire.mjs', 'chat', '--url', server.url, question];
    const { stdout } = await run(process.execPath, chat, { cwd: root });
    expect(stdout).toMatch(/Oslo|Paris|[A-Z]\w+/);
    expect(stdout.trim()).not.toBe('');
  });

  it('shows code for the OpenAI SDK that runs as it stands', async () => {
    const [code = ''] = blocks('js');
    expect(code).toContain('http://127.0.0.1:8787/v1');
    const program = code.replace('http://127.0.0.1:8787/v1', server.url);
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: root });
    expect(stdout).toMatch(/hello|hi/i);
  });
});
