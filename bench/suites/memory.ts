/** Memory against connections, beside a bare `ws` server (O7, G7). `bench/idle.ts` goes further: compressed ones, one turn each. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild, type Child } from '../child.ts';
import { toFigure } from '../figures.ts';
import { readProcessStats } from '../process-stats.ts';
import type { Findings, SuiteOptions } from './suite.ts';

const steps = [0, 1000, 2000, 4000];
const fullSteps = [0, 2000, 5000, 10_000, 15_000];
/** Handshakes under way at once. */
const concurrency = 50;
const settleMs = 300;

/** Runs the suite; empty where /proc does not tell how large a process is. */
export async function measureMemory({ full, progress }: SuiteOptions): Promise<Findings> {
  const nodeFlags = ['--expose-gc'];
  const counts = full ? fullSteps : steps;
  await using echo = await startChild('./servers/echo.ts', { nodeFlags });
  await using longwire = await startChild('./servers/longwire.ts', { args: ['--scripted', 'airline-27'], nodeFlags });
  if (!readProcessStats(longwire.pid)) return { figures: [], plots: [], notes: ['Memory was not measured: no /proc.'] };
  progress(`memory: up to ${counts.at(-1)} connections`);
  const ws = await measureSteps(echo, '/', counts);
  const ours = await measureSteps(longwire, '/v1/responses', counts);
  return {
    figures: [
      toFigure(
        { id: 'memory.idle', name: 'resident memory of an idle connection', unit: 'KB', floorName: 'bare ws' },
        [perConnection(ours)],
        [perConnection(ws)],
      ),
    ],
    plots: [
      {
        id: 'memory',
        title: 'Resident memory against idle connections',
        x: 'connections',
        y: 'MB',
        series: [
          { name: 'Longwire', points: ours },
          { name: 'bare ws', points: ws },
        ],
      },
    ],
    notes: [],
  };
}

async function measureSteps(server: Child, path: string, counts: readonly number[]): Promise<[number, number][]> {
  const sockets: Socket[] = [];
  const points: [number, number][] = [];
  // The first connections load code and grow the heap once: they are not what a connection costs.
  await open(server.url, path, 200, sockets);
  const base = sockets.length;
  for (const count of counts) {
    await open(server.url, path, base + count - sockets.length, sockets);
    points.push([count, await residentMb(server.pid)]);
  }
  for (const socket of sockets) socket.destroy();
  return points;
}

async function residentMb(pid: number): Promise<number> {
  // Two collections (servers/announce.ts): what dies with the first makes room in the second.
  for (let collected = 0; collected < 2; collected++) {
    process.kill(pid, 'SIGUSR2');
    await sleep(settleMs);
  }
  return (readProcessStats(pid)?.residentBytes ?? Number.NaN) / 2 ** 20;
}

/** Bare sockets with a handshake each: the client must stay small beside the server. */
async function open(url: string, path: string, count: number, sockets: Socket[]): Promise<void> {
  for (let left = count; left > 0; left -= concurrency) {
    const batch = Array.from({ length: Math.min(left, concurrency) }, () => openSocket(url, path));
    sockets.push(...(await Promise.all(batch)));
  }
}

function openSocket(url: string, path: string): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.once('error', reject);
    socket.once('data', (data: Buffer) => {
      if (data.toString('latin1').startsWith('HTTP/1.1 101')) resolve(socket);
      else reject(new Error(`The handshake was refused: ${data.toString('latin1', 0, 100)}`));
    });
    const key = Buffer.alloc(16, 7).toString('base64');
    const lines = [`GET ${path} HTTP/1.1`, `host: ${host}`, 'upgrade: websocket', 'connection: upgrade'];
    socket.write([...lines, `sec-websocket-key: ${key}`, 'sec-websocket-version: 13', '', ''].join('\r\n'));
  });
}

function perConnection(points: readonly (readonly [number, number])[]): number {
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? ((last[1] - first[1]) * 1024) / (last[0] - first[0]) : Number.NaN;
}
