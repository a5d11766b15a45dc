/**
 * `node bench/idle.ts [--connections 10000] [--compressed 1000]`: what an idle connection costs the server in memory, as it is
 * and after one turn, beside a bare `ws` server in the same run. The server is a process of its own (this file, `--serve`).
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { loadConfig } from '../packages/server/src/config/config.ts';
import { startServer } from '../packages/server/src/server.ts';

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    compressed: { type: 'string', default: '1000' },
    serve: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(`npm run bench:idle -- [--connections 10000] [--compressed 1000]

What a connection costs the server's process, idle and after one turn, beside a bare ws server in the same run.
`);
  process.exit(0);
}

type ServerKind = 'ws' | 'longwire';

/** Bytes of the server process after a collection. */
interface Memory {
  readonly rss: number;
  readonly heap: number;
  /** Buffers outside the heap. */
  readonly buffers: number;
}

/** Handshakes, or turns, that are under way at once. */
const concurrency = 64;
/** As large as a request of Codex: mostly tools that every request repeats. */
const frame = JSON.stringify({
  type: 'response.create',
  store: false,
  model: 'airline-27',
  input: 'Hello.',
  tools: Array.from({ length: 30 }, (_, index) => ({
    type: 'function',
    name: `tool_${index}`,
    description: `What tool ${index} does, in ${'a few more words '.repeat(20)}than are needed.`,
    parameters: { type: 'object', properties: { path: { type: 'string' }, count: { type: 'integer' } } },
  })),
});

if (options.serve) await serve(options.serve as ServerKind);
else await measure();

/** The server process: prints nothing, tells its URL and, when asked, its memory. */
async function serve(kind: ServerKind): Promise<void> {
  process.on('message', () => void collected().then((memory) => process.send?.(memory)));
  process.once('disconnect', () => process.exit(0));
  process.send?.(kind === 'ws' ? await startBareServer() : await startLongwire());
}

async function startLongwire(): Promise<string> {
  const flags = ['--port', '0', '--store', 'off', '--scripted', 'airline-27', '--ping-interval-ms', '60000'];
  const config = loadConfig([...flags, '--dead-peer-ms', '600000'], {}, () => '');
  return (await startServer(config, pino({ level: 'silent' }))).url;
}

async function startBareServer(): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, clientTracking: false, perMessageDeflate: true });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      socket.send(`{"type":"response.completed","bytes":${data.length}}`, { compress: false });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

/** What is left once everything that can go has gone: the collector needs a few turns of the loop for buffers. */
async function collected(): Promise<Memory> {
  for (let round = 0; round < 6; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rss, heap: heapUsed, buffers: arrayBuffers };
}

async function measure(): Promise<void> {
  const connections = Number(options.connections);
  const compressed = Number(options.compressed);
  const head = ['server', 'connections', 'state', 'RSS', 'heap', 'buffers'];
  process.stdout.write(`${toRow(head)}\n${'-'.repeat(72)}\n`);
  for (const [kind, count, deflate] of [
    ['ws', connections, false],
    ['longwire', connections, false],
    ['ws', compressed, true],
    ['longwire', compressed, true],
  ] as const) {
    await measureServer(kind, count, deflate);
  }
  process.stdout.write('\nKB a connection: the growth of the server process, divided by the connections.\n');
}

async function measureServer(kind: ServerKind, count: number, deflate: boolean): Promise<void> {
  const path = fileURLToPath(import.meta.url);
  const child = fork(path, ['--serve', kind], { execArgv: ['--expose-gc'] });
  const sockets: WebSocket[] = [];
  try {
    const [url] = (await once(child, 'message')) as [string];
    // The heap grows to its working size first, and code is compiled.
    await spread(500, async () => {
      const socket = await open(url, deflate);
      await turn(socket);
      socket.terminate();
    });
    const before = await memoryOf(child);
    const say = async (state: string) => {
      const now = await memoryOf(child);
      const each = (['rss', 'heap', 'buffers'] as const).map((what) =>
        ((now[what] - before[what]) / count / 1024).toFixed(1),
      );
      const name = `${kind}${deflate ? ', deflate' : ''}`;
      process.stdout.write(`${toRow([name, String(count), state, ...each])}\n`);
    };
    await spread(count, async () => {
      sockets.push(await open(url, deflate));
    });
    await say('idle');
    await spread(count, async (index) => {
      const socket = sockets[index];
      if (socket) await turn(socket);
    });
    await say('after a turn');
  } finally {
    for (const socket of sockets) socket.terminate();
    const exited = once(child, 'exit');
    child.kill();
    await exited;
  }
}

async function memoryOf(child: ChildProcess): Promise<Memory> {
  child.send('memory');
  const [memory] = (await once(child, 'message')) as [Memory];
  return memory;
}

async function open(url: string, deflate: boolean): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/responses`, { perMessageDeflate: deflate });
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

/** Sends the frame and waits for the terminal event. */
async function turn(socket: WebSocket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const receive = (data: Buffer) => {
    const text = data.toString();
    if (/^{"type":"(error|response\.(completed|incomplete|failed))"/.test(text)) resolve(text);
  };
  socket.on('message', receive);
  socket.send(frame);
  const last = await promise;
  socket.off('message', receive);
  if (!last.startsWith('{"type":"response.completed"')) throw new Error(last.slice(0, 300));
}

/** Runs `count` tasks, a few at a time. */
async function spread(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

function toRow(cells: readonly string[]): string {
  const [server = '', connections = '', state = '', ...figures] = cells;
  return [server.padEnd(20), connections.padEnd(13), state.padEnd(14), ...figures.map((cell) => cell.padStart(8))].join(
    '',
  );
}
