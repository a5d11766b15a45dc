/**
 * Links between the client and the servers: loopback, a real one with a round-trip time where root is, and a model of one elsewhere.
 * Beyond loopback there is TLS, as there is on every network that others are in.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild, type Child, type ChildOptions } from '../child.ts';
import { startDelayProxy } from '../../packages/server/src/cli/delay-proxy.ts';

/** The way to a server over the link. */
export interface Access {
  readonly url: string;
  /** PEM of the certificate to trust; absent without TLS. */
  readonly certificate?: string;
}

/** A link. */
export interface Link extends AsyncDisposable {
  readonly rttMs: number;
  /** `kernel`: real TCP with a real delay; `model`: a proxy that counts round trips. */
  readonly kind: 'loopback' | 'kernel' | 'model';
  /** Starts a server on the far side. */
  start(script: string, args: readonly string[]): Promise<Child>;
  /** Makes a server of the far side reachable from here, over TLS and with the link's delay. */
  expose(server: Child): Promise<Access>;
}

const here = '10.211.7.1';
const there = '10.211.7.2';
const namespace = 'longwire-bench';

/** Opens a link. Throws when the tools that it needs are there and fail. */
export async function openLink(rttMs: number): Promise<Link> {
  if (rttMs === 0) return createLoopback();
  return canDelayPackets() ? openKernelLink(rttMs) : createModelLink(rttMs);
}

/** Whether packets can be delayed here: Linux, root, `ip` and a C compiler. */
export function canDelayPackets(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return ['ip', 'cc', 'openssl'].every((tool) => {
    try {
      execFileSync('which', [tool], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

function createLoopback(): Link {
  return {
    rttMs: 0,
    kind: 'loopback',
    start: (script, args) => startChild(`../bench/${script}`, { args }),
    expose: async (server) => ({ url: server.url }),
    async [Symbol.asyncDispose]() {},
  };
}

async function openKernelLink(rttMs: number): Promise<Link> {
  const folder = mkdtempSync(join(tmpdir(), 'longwire-link-'));
  const program = join(folder, 'delaylink');
  execFileSync('cc', ['-O2', '-o', program, fileURLToPath(new URL('./delaylink.c', import.meta.url))]);
  removeNamespace();
  execFileSync('ip', ['netns', 'add', namespace]);
  const delay = spawn(program, [namespace, 'lwbench0', 'lwbench1', String(rttMs * 500)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => {
    delay.once('exit', () => resolve());
  });
  const remove = (): void => {
    delay.kill();
    removeNamespace();
  };
  process.once('exit', remove);
  await new Promise<void>((resolve, reject) => {
    delay.stdout.once('data', () => resolve());
    delay.once('exit', () => reject(new Error('delaylink ended before it was ready.')));
  });
  configure();
  const wrapper = ['ip', 'netns', 'exec', namespace];
  const { certificate, paths } = createCertificate(folder);
  const fronts: Child[] = [];
  const start = (script: string, options: ChildOptions) => startChild(`../bench/${script}`, { ...options, wrapper });
  return {
    rttMs,
    kind: 'kernel',
    start: (script, args) => start(script, { args }),
    async expose(server) {
      const front = await start('link/tls-front.ts', { args: [server.url, ...paths], env: { BENCH_HOST: there } });
      fronts.push(front);
      return { url: front.url + new URL(server.url).pathname.replace(/\/$/, ''), certificate };
    },
    async [Symbol.asyncDispose]() {
      for (const front of fronts) await front[Symbol.asyncDispose]();
      remove();
      process.off('exit', remove);
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

/** Addresses and routes. `reno`, because it is the one that a namespace may always use; the same on both sides. */
function configure(): void {
  const inside = ['netns', 'exec', namespace];
  execFileSync('ip', ['addr', 'add', here, 'peer', there, 'dev', 'lwbench0']);
  execFileSync('ip', ['link', 'set', 'lwbench0', 'up']);
  execFileSync('ip', ['route', 'replace', there, 'dev', 'lwbench0', 'congctl', 'reno']);
  execFileSync('ip', [...inside, 'ip', 'addr', 'add', there, 'peer', here, 'dev', 'lwbench1']);
  execFileSync('ip', [...inside, 'ip', 'link', 'set', 'lwbench1', 'up']);
  execFileSync('ip', [...inside, 'ip', 'link', 'set', 'lo', 'up']);
  execFileSync('ip', [...inside, 'ip', 'route', 'replace', here, 'dev', 'lwbench1', 'congctl', 'reno']);
}

function removeNamespace(): void {
  try {
    execFileSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
  } catch {
    // There was none.
  }
}

function createCertificate(folder: string): { certificate: string; paths: [string, string] } {
  const paths: [string, string] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=longwire-bench', '-addext', `subjectAltName=IP:${there}`];
  execFileSync('openssl', [...kind, ...subject, '-keyout', paths[0], '-out', paths[1]], { stdio: 'ignore' });
  return { certificate: readFileSync(paths[1], 'utf8'), paths };
}

function createModelLink(rttMs: number): Link {
  const proxies: AsyncDisposable[] = [];
  return {
    rttMs,
    kind: 'model',
    start: (script, args) => startChild(`../bench/${script}`, { args }),
    async expose(server) {
      const proxy = await startDelayProxy(server.url, rttMs);
      proxies.push(proxy);
      return { url: proxy.url };
    },
    async [Symbol.asyncDispose]() {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    },
  };
}
