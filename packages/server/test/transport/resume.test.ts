/** Connections that outlive their sockets (PROTOCOL.md 11.1), over real sockets. */
import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { isTerminal, startTestServer, type Frame } from '../harness.ts';
import { ResumingClient } from './resuming-client.ts';

const lanes = ['a', 'b', 'c', 'd'];

/** What a lane said, without what differs from run to run. */
function lineOf(frame: Frame): string {
  const delta = 'delta' in frame ? frame.delta : null;
  const usage = 'response' in frame ? frame.response.usage : null;
  return JSON.stringify([frame.sequence_number, frame.type, delta, usage]);
}

/** Two turns in each of four lanes, the second on top of the first; the socket breaks when so many frames have come. */
async function converse(url: string, cutAfter: number): Promise<{ told: Map<string, string[]>; frames: number }> {
  using client = new ResumingClient(url);
  await client.connect();
  const told = new Map<string, string[]>(lanes.map((lane) => [lane, []]));
  const ended = new Map<string, number>();
  for (const stream_id of lanes) client.create({ stream_id, input: `Hello from ${stream_id}.` });
  let frames = 0;
  while (lanes.some((lane) => ended.get(lane) !== 2)) {
    if (frames === cutAfter) {
      await client.cut();
      await client.connect();
    }
    const frame = await client.next();
    frames++;
    const lane = frame.stream_id ?? '';
    told.get(lane)?.push(lineOf(frame));
    if (!isTerminal(frame) || !('response' in frame)) continue;
    const turns = (ended.get(lane) ?? 0) + 1;
    ended.set(lane, turns);
    if (turns === 1) client.create({ stream_id: lane, input: 'Go on.', previous_response_id: frame.response.id });
  }
  expect(client.waiting).toBe(0);
  return { told, frames };
}

describe('a connection that was cut', () => {
  it('goes on after any frame as if nothing had happened, in four lanes, without a store', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    const whole = await converse(server.url, Infinity);
    expect(whole.told.get('a')?.some((line) => line.includes('Go on.'))).toBe(true);
    const before = calls.filter(({ kind }) => kind === 'generate').length;
    for (let cutAfter = 0; cutAfter < whole.frames; cutAfter++) {
      const { told } = await converse(server.url, cutAfter);
      expect(told).toEqual(whole.told);
    }
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(before * (whole.frames + 1));
    expect(calls.some(({ kind }) => kind === 'aborted')).toBe(false);
    expect(server.counts).toMatchObject({ resumed: whole.frames, refused: 0 });
  });
});
