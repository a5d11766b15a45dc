/** Frames that a real Codex sent (packages/protocol/test/captures), sent again: with our ids and our sealed items where it echoes them. */
import { readFileSync } from 'node:fs';
import type { Item, OutputItem } from '@longwire/protocol';
import { expect, it } from 'vitest';
import type { WorkloadTurn } from '../../src/engine/scripted/workload.ts';
import { TestSocket } from '../harness.ts';
import { startCompactingServer } from './world.ts';

interface Line {
  readonly in?: Record<string, unknown>;
  readonly out?: { readonly type: string; readonly item?: OutputItem };
}

function read(name: string): { sent: Record<string, unknown>[]; made: OutputItem[] } {
  const text = readFileSync(new URL(`../../../protocol/test/captures/${name}.jsonl`, import.meta.url), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return {
    // Its tools are no matter here, and a capture says them only once.
    sent: lines.flatMap((line) => (line.in ? [{ ...line.in, model: 'test-model', tools: [] }] : [])),
    made: lines.flatMap(({ out }) => (out?.type === 'response.output_item.done' && out.item ? [out.item] : [])),
  };
}

/** The model's turns: what the server of the capture made, without the compactions, which are ours to make. */
function toTurns(made: readonly OutputItem[]): WorkloadTurn[] {
  const turns: OutputItem[][] = [];
  for (const item of made) {
    if (item.type === 'compaction') continue;
    const last = turns.at(-1);
    if (last?.at(-1)?.type === 'reasoning') last.push(item);
    else turns.push([item]);
  }
  return turns.map((output) => ({ input: [], output, contextTokens: 100, newTokens: 10, outputTokens: 10 }));
}

it('Codex compacts remotely and goes on (capture 12)', async () => {
  const { sent, made } = read('12-remote-compaction-v2-trigger');
  await using server = await startCompactingServer({ turns: toTurns(made) });
  using socket = await TestSocket.open(server.url);
  const outputs: (readonly OutputItem[])[] = [];
  let last = { id: '', output: [] as readonly OutputItem[] };
  let sealed: OutputItem | undefined;
  for (const frame of sent) {
    const parent = frame['previous_response_id'] ? { previous_response_id: last.id } : {};
    const input = (frame['input'] as Item[]).map((item) => (item.type === 'compaction' ? sealed : item));
    socket.send({ ...frame, ...parent, input });
    last = await socket.response();
    outputs.push(last.output);
    sealed = last.output.find((item) => item.type === 'compaction') ?? sealed;
  }
  expect(outputs.map((output) => output.map(({ type }) => type))).toEqual([
    [],
    ['function_call'],
    ['compaction'],
    ['function_call'],
    ['message'],
  ]);
  expect(JSON.stringify(last.output)).toContain('FINAL: tool done');
});

it('Codex sends its reasoning back after a lost socket (capture 16)', async () => {
  const { sent, made } = read('16-reasoning-encrypted-replay');
  await using server = await startCompactingServer({ turns: toTurns(made) });
  let reasoning: OutputItem | undefined;
  for (const frame of sent) {
    using socket = await TestSocket.open(server.url);
    const input = (frame['input'] as Item[]).map((item) =>
      item.type === 'reasoning' ? { ...item, ...reasoning } : item,
    );
    socket.send({ ...frame, input });
    const response = await socket.response();
    expect(response.status).toBe('completed');
    expect(response).not.toHaveProperty('input_transformations');
    reasoning = response.output.find((item) => item.type === 'reasoning') ?? reasoning;
  }
  expect(reasoning).toMatchObject({ encrypted_content: expect.stringMatching(/^lw1_/) });
});

it('Codex sends the reasoning of another server, and is told that it was left out (capture 16)', async () => {
  const { sent, made } = read('16-reasoning-encrypted-replay');
  await using server = await startCompactingServer({ turns: toTurns(made) });
  using socket = await TestSocket.open(server.url);
  socket.send(sent.at(-1));
  const response = await socket.response();
  expect(response).toMatchObject({
    status: 'completed',
    input_transformations: [{ type: 'reasoning', action: 'removed', reason: 'organization_mismatch' }],
  });
});
