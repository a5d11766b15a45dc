/** Packages of peers, each at one version in a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Peer } from './peer.ts';

const installMs = 300_000;

/** The folder with the peer's package, installed now if it is not there yet. Throws an `Error` with npm's words. */
export async function installPeer({ name, package: wanted }: Peer, cache: string): Promise<string> {
  if (wanted === null) throw new Error(`${name} is no package.`);
  const folder = join(cache, `${name}-${wanted.version}`);
  if (readVersion(folder, wanted.name) === wanted.version) return folder;
  const home = join(folder, 'install-home');
  mkdirSync(home, { recursive: true });
  // Without it npm would install into the workspace around the cache.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, overrides: wanted.overrides ?? {} }));
  const logPath = join(folder, 'install.log');
  const log = openSync(logPath, 'w');
  const npm = process.env['npm_execpath'];
  const args = [
    'install',
    `--prefix=${folder}`,
    '--save-exact',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `${wanted.name}@${wanted.version}`,
  ];
  const child = spawn(npm === undefined ? 'npm' : process.execPath, npm === undefined ? args : [npm, ...args], {
    cwd: folder,
    stdio: ['ignore', log, log],
    timeout: installMs,
    env: {
      ...pick(process.env, /^(path|.*_proxy|npm_config_.*|node_extra_ca_certs|ssl_cert_.*)$/i),
      // How packages come here is the person's; what install scripts write at home is not.
      npm_config_userconfig: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
      npm_config_cache: process.env['npm_config_cache'] ?? join(homedir(), '.npm'),
      HOME: home,
    },
  });
  const kill = (): boolean => child.kill();
  process.once('exit', kill);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 0 && readVersion(folder, wanted.name) === wanted.version) return folder;
    throw new Error(`npm ended with ${code ?? 'a signal'}: ${lastWords(logPath)}`);
  } finally {
    process.off('exit', kill);
    closeSync(log);
  }
}

/** The last words of a log, on one line and without stacks. */
export function lastWords(path: string): string {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  const words = lines.filter((line) => line !== '' && !/^(at |Node\.js v)/.test(line));
  return words.slice(-4).join(' | ').slice(-600);
}

/** Variables by their names: keys of the person's are none of a package's business. */
function pick(env: NodeJS.ProcessEnv, wanted: RegExp): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => wanted.test(name)));
}

function readVersion(folder: string, name: string): string | null {
  try {
    const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  } catch {
    return null;
  }
}
