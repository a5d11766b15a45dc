import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { peers } from '../../../../bench/peers/catalogue.ts';
import { judgePeers, ratiosTo, type Measured, type Outcome } from '../../../../bench/peers/comparison.ts';
import { createLongwire } from '../../../../bench/peers/longwire.ts';
import { parsePeerOptions } from '../../../../bench/peers/options.ts';
import type { Peer, PeerWire } from '../../../../bench/peers/peer.ts';
import { historyBefore, toSaid } from '../../../../bench/peers/play.ts';
import { cpuBetween, listTree, parseParent } from '../../../../bench/peers/process-tree.ts';
import { toFailures, toPeerTable } from '../../../../bench/peers/table.ts';
import { loadWorkload } from '../../../../bench/workloads/load.ts';
import type { BenchMode } from '../../src/cli/bench-driver.ts';

const place = { folder: '/cache', home: '/cache/homes/one', engine: 'http://127.0.0.1:1/v1', port: 2, models: ['m'] };

function measured(lateMs: number, tokenCpuUs = lateMs): Measured {
  return { earlyMs: lateMs, lateMs, turnCpuMs: lateMs, tokenCpuUs };
}

function outcome(peer: Peer, mode: BenchMode, values: readonly number[], failure: string | null = null): Outcome {
  return { peer, mode, rounds: values.map((value) => measured(value)), failure };
}

function peerOf(title: string, wire: PeerWire): Peer {
  const [any] = peers;
  if (!any) throw new Error('There are no peers.');
  return { ...any, title, wire };
}

const ours = createLongwire('chat');
const slow = peerOf('Slow', 'chat');
const quick = peerOf('Quick', 'chat');

test('every peer is pinned to one version, and keeps to its home', () => {
  for (const peer of peers) {
    expect(peer.package?.version).toMatch(/^\d+\.\d+\.\d+$/);
    const { argv, env = {}, files = {} } = peer.launch(place);
    const paths = [...argv, ...Object.values(env)].filter(
      (word) => word.includes('/') && !word.startsWith('node_modules/'),
    );
    for (const path of paths) expect(path).toContain(place.home);
    for (const name of Object.keys(files)) expect(name).not.toMatch(/^\/|\.\./);
  }
});

test('the command line chooses peers by their names, each once', () => {
  expect(parsePeerOptions(['--help'])).toBeNull();
  expect(parsePeerOptions([])).toMatchObject({ peers, rounds: 5, jsonPath: null, keep: false });
  const chosen = parsePeerOptions([
    '--peers',
    '9router,portkey,9router',
    '--rounds',
    '2',
    '--json',
    'x.json',
    '--keep',
  ]);
  expect(chosen?.peers.map(({ name }) => name)).toEqual(['9router', 'portkey']);
  expect(chosen).toMatchObject({ rounds: 2, jsonPath: 'x.json', keep: true });
  expect(() => parsePeerOptions(['--peers', 'litellm'])).toThrow('There is no peer litellm: choose among portkey');
  expect(() => parsePeerOptions(['--rounds', '0'])).toThrow('--rounds');
});

test('a ratio is taken within a round, to Longwire over the same wire in the mode that is asked for', () => {
  const other = outcome(createLongwire('responses'), 'http-full', [1000, 1000]);
  const all = [outcome(ours, 'ws-codex', [1, 2]), outcome(ours, 'http-full', [5, 10]), other];
  const peer = outcome(slow, 'http-full', [10, 40]);
  expect(ratiosTo([...all, peer], peer, 'ws-codex', 'lateMs')).toEqual([10, 20]);
  expect(ratiosTo([...all, peer], peer, 'http-full', 'lateMs')).toEqual([2, 4]);
  const [, same] = all;
  expect(same && ratiosTo(all, same, 'http-full', 'lateMs')).toEqual([]);
});

test('a round in which nothing was added to a turn has no ratio', () => {
  const peer = outcome(slow, 'http-full', [10, 40]);
  const all = [outcome(ours, 'ws-codex', [-0.1, 2]), peer];
  expect(ratiosTo(all, peer, 'ws-codex', 'lateMs')).toEqual([20]);
});

test('the goal is judged by the peer that comes nearest', () => {
  const all = [
    outcome(ours, 'ws-codex', [1, 1]),
    outcome(ours, 'http-full', [4, 4]),
    outcome(slow, 'http-full', [60, 60]),
    outcome(quick, 'http-full', [8, 8]),
    outcome(quick, 'ws-codex', [6, 6]),
  ];
  const [best, moonshot, http] = judgePeers(all);
  expect(best).toMatchObject({ value: '6.00x below', floor: 'Quick, ws-codex: 6.00 ms', isReached: true });
  expect(best?.hint).toBeNull();
  expect(moonshot).toMatchObject({ isReached: false, isMoonshot: true });
  expect(moonshot?.hint).toMatch(/loaded machine/);
  expect(http).toMatchObject({ value: '2.00x below', floor: 'Quick, http-full: 8.00 ms', isReached: false });
});

test('a peer that failed is told of and is not the best one', () => {
  const all = [
    outcome(ours, 'ws-codex', [1]),
    outcome(quick, 'ws-codex', [2], 'turn 3: no'),
    outcome(slow, 'ws-codex', [9]),
  ];
  expect(judgePeers(all)[0]).toMatchObject({ value: '9.00x below', isReached: true });
  expect(toFailures([{ title: 'Gone', why: 'npm ended with 1' }], all)).toBe(
    'Gone does not run here: npm ended with 1\nQuick, ws-codex, failed at turn 3: no',
  );
});

test('without a peer there is nothing to judge', () => {
  for (const { value, isReached } of judgePeers([outcome(ours, 'ws-codex', [1])]))
    expect({ value, isReached }).toEqual({ value: null, isReached: null });
});

test('the table has a part for each wire that was played', () => {
  const all = [outcome(ours, 'http-full', [2]), outcome(slow, 'http-full', [10])];
  const [title, head, line, peerLine] = toPeerTable(all).split('\n');
  expect(title).toBe('In front of chat completions');
  expect(head).toMatch(/^server +mode +added early, ms/);
  expect(line).toMatch(/^Longwire +http-full +2\.00 /);
  expect(peerLine).toMatch(/^Slow +http-full +10\.0 +5\.00x /);
  expect(toPeerTable(all)).not.toContain('In front of a Responses API');
});

test('an answer is what it says, whatever the ids around it', () => {
  const [first, second] = loadWorkload('coding-30-brief').turns;
  const said = toSaid(first?.output ?? []);
  expect(said).not.toBe('');
  expect(toSaid((first?.output ?? []).map((item) => ({ ...item, id: 'another' })))).toBe(said);
  expect(toSaid(second?.output ?? [])).not.toBe(said);
});

test('the history before a turn has what both sides said, in order and without ids', () => {
  const { turns } = loadWorkload('coding-30-brief');
  const history = historyBefore({ ...loadWorkload('coding-30-brief'), turns }, 2);
  const types = turns.slice(0, 2).flatMap(({ input, output }) => [...input, ...output].map(({ type }) => type));
  expect(history.map(({ type }) => type)).toEqual(types);
  expect(history.some((item) => 'id' in item)).toBe(false);
  expect(historyBefore(loadWorkload('coding-30-brief'), 0)).toEqual([]);
});

test('the CPU of a tree counts who has begun and forgets who has ended', () => {
  const before = new Map([
    [1, 100],
    [2, 500],
  ]);
  const after = new Map([
    [1, 150],
    [3, 20],
  ]);
  expect(cpuBetween(before, after)).toBe(70);
  expect(cpuBetween(before, new Map())).toBeNaN();
});

test('the parent is found behind any name of a process', () => {
  expect(parseParent('12 (node) S 7 12 12')).toBe(7);
  expect(parseParent('12 (a) b (c) R 9 1 1')).toBe(9);
  expect(parseParent('')).toBeNull();
});

test('a tree has the children of the children', async () => {
  const child = spawn('sh', ['-c', 'sleep 30 & wait'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    await expect.poll(() => listTree(pid).length).toBe(2);
    expect(listTree(process.pid)).toEqual(expect.arrayContaining(listTree(pid)));
    expect(listTree(pid)[0]).toBe(pid);
  } finally {
    for (const each of listTree(child.pid ?? 0)) process.kill(each);
  }
});
