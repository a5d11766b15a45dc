/** A peer as a process: started in a home of its own, waited for, and ended with all that it has started. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchTarget } from '../../packages/server/src/cli/bench-driver.ts';
import { lastWords } from './install.ts';
import type { Peer, Place } from './peer.ts';
import { listTree } from './process-tree.ts';

/** A peer that answers. */
export interface Served extends AsyncDisposable {
  readonly target: BenchTarget;
  readonly pid: number;
  readonly toModel: (model: string) => string;
}

const readyMs = 60_000;
const graceMs = 5000;

/** Starts a peer and waits until it answers. Throws an `Error` with the last words of its log. */
export async function servePeer(peer: Peer, where: Omit<Place, 'port'>): Promise<Served> {
  const port = await findFreePort();
  const launch = peer.launch({ ...where, port });
  mkdirSync(where.home, { recursive: true });
  for (const [name, content] of Object.entries(launch.files ?? {})) {
    mkdirSync(dirname(join(where.home, name)), { recursive: true });
    writeFileSync(join(where.home, name), content);
  }
  const logPath = join(where.home, 'server.log');
  const log = openSync(logPath, 'w');
  const child = spawn(process.execPath, launch.argv, {
    cwd: where.folder,
    stdio: ['ignore', log, log],
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: where.home,
      NODE_ENV: 'production',
      // No person is there to be asked.
      CI: '1',
      ...launch.env,
    },
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${peer.title} could not be started.`);
  const ended = once(child, 'exit');
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  // Its number may be another's once it has ended.
  const list = (): number[] => (hasEnded() ? [] : listTree(pid));
  const killTree = (): void => signalAll(list(), 'SIGKILL');
  // A benchmark that is cut short leaves nothing behind.
  process.once('exit', killTree);
  const stop = async (): Promise<void> => {
    const tree = list();
    signalAll(tree, 'SIGTERM');
    await Promise.race([ended, sleep(graceMs, undefined, { ref: false })]);
    signalAll(tree, 'SIGKILL');
    process.off('exit', killTree);
  };
  try {
    const url = `http://127.0.0.1:${port}`;
    await untilReady(`${url}${launch.readyPath}`, hasEnded);
    const headers = { ...launch.headers, ...(await launch.configure?.(url)) };
    const target = { url: url + launch.basePath, headers };
    return { target, pid, toModel: launch.toModel ?? ((model) => model), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message} ${lastWords(logPath)}`.trim(), { cause: error });
  }
}

async function untilReady(url: string, hasEnded: () => boolean): Promise<void> {
  const deadline = performance.now() + readyMs;
  while (performance.now() < deadline) {
    if (hasEnded()) throw new Error('It ended before it answered:');
    const reply = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => null);
    await reply?.body?.cancel();
    if (reply && reply.status < 500) return;
    await sleep(100);
  }
  throw new Error(`It did not answer within ${readyMs / 1000} s:`);
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
