import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLongwire } from '../../../../bench/peers/longwire.ts';
import type { Launch, Peer } from '../../../../bench/peers/peer.ts';
import { playPart, TurnFailure, unmeasured } from '../../../../bench/peers/play.ts';
import { listTree } from '../../../../bench/peers/process-tree.ts';
import { servePeer } from '../../../../bench/peers/served.ts';
import { loadWorkload } from '../../../../bench/workloads/load.ts';
import type { Rollout } from '../../src/workloads/coding.ts';

const rollout = loadWorkload('coding-30-brief');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwire-peer-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A server that has a process below it and tells its environment at `/env`. */
const script = `
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
createServer((request, reply) => reply.end(JSON.stringify(process.env))).listen(Number(process.argv[2]), '127.0.0.1');
`;

function peerOf(launch: Partial<Launch>): Peer {
  const whole = { argv: ['server.mjs'], readyPath: '/', basePath: '/v1', ...launch };
  return { ...createLongwire('chat'), launch: ({ port }) => ({ ...whole, argv: [...whole.argv, String(port)] }) };
}

function place() {
  return { folder, home: join(folder, 'home'), engine: 'http://127.0.0.1:1/v1', models: [] };
}

test('a peer runs in its own home without the keys of the person, and ends with what it has started', async () => {
  process.env['PEER_TEST_API_KEY'] = 'secret';
  writeFileSync(join(folder, 'server.mjs'), script);
  const configure = async () => ({ authorization: 'Bearer made' });
  let tree: number[] = [];
  {
    await using served = await servePeer(
      peerOf({ files: { 'a/b.json': '{}' }, env: { OWN: 'yes' }, configure }),
      place(),
    );
    const env = (await (await fetch(served.target.url)).json()) as Record<string, string>;
    expect(env).toMatchObject({ HOME: join(folder, 'home'), NODE_ENV: 'production', OWN: 'yes' });
    expect(env).not.toHaveProperty('PEER_TEST_API_KEY');
    expect(served.target.headers).toEqual({ authorization: 'Bearer made' });
    expect(served.toModel('m')).toBe('m');
    expect(readFileSync(join(folder, 'home/a/b.json'), 'utf8')).toBe('{}');
    tree = listTree(served.pid);
    expect(tree).toHaveLength(2);
  }
  delete process.env['PEER_TEST_API_KEY'];
  await expect.poll(() => tree.filter(isAlive)).toEqual([]);
});

test('a peer that does not start says so in its own words', async () => {
  writeFileSync(join(folder, 'server.mjs'), 'throw new Error("no database");');
  await expect(servePeer(peerOf({}), place())).rejects.toThrow(/^It ended before it answered: .*no database/s);
});

test('a peer that cannot be configured is ended', async () => {
  writeFileSync(join(folder, 'server.mjs'), script);
  let url = '';
  const configure = async (at: string) => {
    url = at;
    throw new Error('/api/keys answered 401.');
  };
  await expect(servePeer(peerOf({ configure }), place())).rejects.toThrow('/api/keys answered 401.');
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and was not asked for yet is no more than a line in a table.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Plays the rollout's first turns against a server that answers call k with turn `answerOf(k)`, the way 9router does: without an output at the end. */
async function playAgainst(
  answerOf: (call: number) => number | string,
  count: number,
): Promise<{ times: number[]; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer((request, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString());
      const found = answerOf(bodies.length - 1);
      if (typeof found === 'string') reply.writeHead(500).end(found);
      else reply.end(toSparseStream(rollout, found));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const target = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    return { times: await playPart({ first: 0, count }, rollout, 'http-full', { target, model: 'm' }), bodies };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function toSparseStream({ turns }: Rollout, turn: number): string {
  const items = (turns[turn]?.output ?? []).map((item) => ({ type: 'response.output_item.done', item }));
  const end = { type: 'response.completed', response: { id: `resp_${turn}`, status: 'completed' } };
  return [...items, end].map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
}

test('turns that open connections and fill caches are played and not measured', async () => {
  const { times, bodies } = await playAgainst((call) => call, unmeasured + 2);
  expect(times).toHaveLength(2);
  const inputs = bodies.map((body) => (JSON.parse(body) as { input: { type: string }[] }).input);
  const { turns } = rollout;
  expect(inputs[1]?.map(({ type }) => type)).toEqual(
    [...(turns[0]?.input ?? []), ...(turns[0]?.output ?? []), ...(turns[1]?.input ?? [])].map(({ type }) => type),
  );
});

test('an answer that is not the one of the turn is a failure of that turn', async () => {
  const played = playAgainst((call) => (call === 3 ? 1 : call), 6);
  await expect(played).rejects.toThrow("The answer is not the engine's");
  await expect(played).rejects.toMatchObject({ constructor: TurnFailure, turn: 3 });
});

test('a refusal is told in the words of the server', async () => {
  const played = playAgainst((call) => (call === 2 ? 'too many items' : call), 6);
  await expect(played).rejects.toThrow('too many items');
  await expect(played).rejects.toMatchObject({ turn: 2 });
});
