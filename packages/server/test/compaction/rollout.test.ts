/** One long session that compacts itself several times, on every way to go on: each must come to the same end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { EchoCall } from '../echo-engine.ts';
import { TestSocket } from '../harness.ts';
import { createStep, factsUpTo, inputOf, turns } from './rollout.ts';
import { createRememberingEngine, startCompactingServer, summariesIn, tokensOf } from './world.ts';

const threshold = 40_000;
const context_management = [{ type: 'compaction', compact_threshold: threshold }];
const report = `I know ${factsUpTo(turns)}.`;

type Response = Awaited<ReturnType<TestSocket['response']>>;

function textOf({ output }: Response): string {
  const message = output.find((item) => item.type === 'message');
  return message?.type === 'message' ? message.content.map((part) => ('text' in part ? part.text : '')).join('') : '';
}

/** Tokens of the largest context that an answer was made from. */
function largestAnswer(calls: readonly EchoCall[]): number {
  const sizes = calls.map((call) =>
    call.kind === 'generate' && call.request.purpose === undefined
      ? tokensOf(JSON.stringify(call.request.context.items))
      : 0,
  );
  return Math.max(...sizes);
}

/** What the model of every run was asked: it compacted more than once, and no answer needed more than the threshold. */
function expectCompacted(calls: readonly EchoCall[]): void {
  expect(summariesIn(calls)).toBeGreaterThanOrEqual(3);
  expect(largestAnswer(calls)).toBeLessThanOrEqual(threshold);
}

describe('a session over the threshold', () => {
  it('goes on along the chain of one socket, at the price of what is new', async () => {
    const { engine, calls } = createRememberingEngine(createStep());
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    let sent = 0;
    let last: Response | null = null;
    for (let turn = 0; turn <= turns; turn++) {
      const input = inputOf(turn, last?.output ?? []);
      sent += input.length;
      socket.create({ input, context_management, previous_response_id: last?.id ?? null });
      last = await socket.response();
      sent += last.output.length;
    }
    expect(last && textOf(last)).toBe(report);
    expectCompacted(calls);
    const extended = calls.reduce((sum, call) => sum + (call.kind === 'extend' ? call.items : 0), 0);
    // Each item once, and a handful of messages for each compaction.
    expect(extended).toBeLessThan(sent + 20 * summariesIn(calls));
  });

  it.each([
    ['from the newest compaction on', true],
    ['whole', false],
  ])('goes on when its history is sent again %s', async (_how, drops) => {
    const { engine, calls } = createRememberingEngine(createStep());
    await using server = await startCompactingServer({ engines: [engine] });
    let history: Item[] = [];
    let last: Response | null = null;
    for (let turn = 0; turn <= turns; turn++) {
      using socket = await TestSocket.open(server.url);
      history = [...history, ...inputOf(turn, last?.output ?? [])];
      socket.create({ input: history, context_management });
      last = await socket.response();
      history = [...history, ...last.output];
      const newest = history.findLastIndex((item) => item.type === 'compaction');
      if (drops && newest > 0) history = history.slice(newest);
    }
    expect(last && textOf(last)).toBe(report);
    expectCompacted(calls);
  });

  it('goes on after a lost socket, from the compaction and what came after it', async () => {
    const { engine, calls } = createRememberingEngine(createStep());
    await using server = await startCompactingServer({ engines: [engine] });
    let socket = await TestSocket.open(server.url);
    let window: Item[] = [];
    let last: Response | null = null;
    for (let turn = 0; turn <= turns; turn++) {
      const input = inputOf(turn, last?.output ?? []);
      window = [...window, ...input];
      const isLost = turn % 10 === 9;
      if (isLost) {
        await socket.close();
        socket = await TestSocket.open(server.url);
      }
      const from = isLost ? { input: window } : { input, previous_response_id: last?.id ?? null };
      socket.create({ ...from, context_management });
      last = await socket.response();
      window = [...window, ...last.output];
      const newest = window.findLastIndex((item) => item.type === 'compaction');
      if (newest > 0) window = window.slice(newest);
    }
    await socket.close();
    expect(last && textOf(last)).toBe(report);
    expectCompacted(calls);
  });

  it('goes on from the store of a server that was started again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'longwire-rollout-'));
    try {
      const { engine, calls } = createRememberingEngine(createStep());
      let last: Response | null = null;
      for (let from = 0; from <= turns; from += 20) {
        await using server = await startCompactingServer({
          engines: [engine],
          store: await openSqliteStore(join(folder, 'longwire.sqlite')),
        });
        using socket = await TestSocket.open(server.url);
        for (let turn = from; turn < Math.min(from + 20, turns + 1); turn++) {
          const input = inputOf(turn, last?.output ?? []);
          socket.create({ input, context_management, store: true, previous_response_id: last?.id ?? null });
          last = await socket.response();
        }
      }
      expect(last && textOf(last)).toBe(report);
      expectCompacted(calls);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
