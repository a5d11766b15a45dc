import { readFileSync } from 'node:fs';
import type { OutputItem } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { WorkloadTurn } from '../../src/engine/scripted/workload.ts';
import { startTestServer, TestSocket, type Frame } from '../harness.ts';

/** Frames of the real service: what was sent, and what came back for it. */
interface Exchange {
  readonly sent: Record<string, unknown>;
  readonly received: readonly (Frame & Record<string, unknown>)[];
}

function readExchanges(name: string): Exchange[] {
  const path = new URL(`../../../protocol/test/recordings/${name}`, import.meta.url);
  const { interactions } = parse(readFileSync(path, 'utf8')) as {
    interactions: { direction: 'sent' | 'received'; data: Record<string, unknown> }[];
  };
  const exchanges: { sent: Record<string, unknown>; received: (Frame & Record<string, unknown>)[] }[] = [];
  for (const { direction, data } of interactions) {
    if (direction === 'sent') exchanges.push({ sent: data, received: [] });
    else exchanges.at(-1)?.received.push(data as Frame & Record<string, unknown>);
  }
  return exchanges;
}

/** The model's side of a recorded response: the same items in the same pieces. */
function toTurn({ received }: Exchange): WorkloadTurn {
  const last = received.at(-1) as unknown as { response: { output: OutputItem[]; usage: Record<string, number> } };
  const { output, usage } = last.response;
  const chunks = output.map((_, index) =>
    received
      .filter((frame) => frame.type.endsWith('.delta') && frame['output_index'] === index)
      .map((frame) => String(frame['delta'])),
  );
  const contextTokens = usage['input_tokens'] ?? 0;
  return {
    input: [],
    output,
    chunks,
    contextTokens,
    newTokens: contextTokens,
    outputTokens: usage['output_tokens'] ?? 0,
  };
}

/** Every path to a key in a value, without array positions. */
function keyPaths(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => keyPaths(each, `${at}[]`));
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, each]) => keyPaths(each, `${at}.${key}`))];
}

/** Fields that the real service has added since the recordings were made (dossier L.2, M). */
const addedSince =
  /^\.response\.(conversation|prompt|prompt_cache_options(\..*)?|moderation|access_programs|usage\.input_tokens_details\.cache_write_tokens)$/;

describe.each(['request_with_tools.yaml', 'sequential_requests.yaml', 'simple_text_request.yaml'])('%s', (name) => {
  const exchanges = readExchanges(name);

  it('has exchanges', () => expect(exchanges.length).toBeGreaterThan(0));

  it.each(exchanges.map((exchange, index) => [index, exchange] as const))(
    'exchange %i: the same types, numbers, keys and content',
    async (_index, exchange) => {
      await using server = await startTestServer({ turns: [toTurn(exchange)] });
      using socket = await TestSocket.open(server.url);
      socket.send({ ...exchange.sent, model: 'test-model', previous_response_id: undefined });
      const frames = await socket.turn();

      expect(frames.map((frame) => [frame.type, frame.sequence_number])).toEqual(
        exchange.received.map((frame) => [frame.type, frame.sequence_number]),
      );
      for (const [index, frame] of frames.entries()) {
        const recorded = exchange.received[index];
        const paths = keyPaths(frame).filter((path) => !addedSince.test(path));
        expect({ type: frame.type, keys: new Set(paths) }).toEqual({
          type: recorded?.type,
          keys: new Set(keyPaths(recorded)),
        });
        const ours = frame as unknown as Record<string, unknown>;
        for (const field of ['delta', 'text', 'arguments', 'output_index', 'content_index']) {
          expect({ field, value: ours[field] }).toEqual({ field, value: recorded?.[field] });
        }
        expect(ours['obfuscation']?.toString().length).toBe(recorded?.obfuscation?.length);
      }
    },
  );
});
