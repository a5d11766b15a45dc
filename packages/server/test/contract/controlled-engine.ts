/** An engine whose turns wait until the test lets them go, and that says which history it was given. */
import { errors, type Item } from '@longwire/protocol';
import type { Engine, EngineEvent, EngineUsage } from '../../src/engine/engine.ts';

/** What a turn does, named in the request's `metadata.plan`. */
export type Plan = 'text' | 'think' | 'call' | 'calls' | 'limit' | 'fail' | 'silent';

/** The text of a user message that the engine cannot carry. */
export const unrenderable = 'unrenderable';

/** The engine, and its turns. */
export interface ControlledEngine {
  readonly engine: Engine;
  /** Lets a waiting turn go on to its end. */
  readonly release: (responseId: string) => void;
  /** Resolves when no turn of these responses waits any more. */
  readonly ended: (responseIds: readonly string[]) => Promise<void>;
}

/** One letter for each item, and the text of user messages: what the model test predicts. */
function describe(item: Item): string {
  const { type, role, content } = item as { type: string; role?: string; content?: string | { text?: string }[] };
  switch (type) {
    case 'message':
      if (role === 'assistant') return 'a';
      return typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join('');
    case 'function_call':
      return 'c';
    case 'custom_tool_call':
      return 'k';
    case 'reasoning':
      return 'r';
    default:
      return 'o';
  }
}

/** What a turn says before it waits. */
function opening(plan: Plan, echo: string, responseId: string): EngineEvent[] {
  const text: EngineEvent = { type: 'text.delta', delta: echo };
  const call = { type: 'call.start', kind: 'function', name: 'look' } as const;
  switch (plan) {
    case 'silent':
      return [];
    case 'think':
      return [{ type: 'reasoning_summary.delta', delta: 'So' }, { type: 'reasoning.delta', delta: 'Hm.' }, text];
    case 'call':
      return [
        { ...call, callId: `call_${responseId}_1` },
        { type: 'call.delta', delta: '{}' },
      ];
    case 'calls':
      return [
        text,
        { ...call, callId: `call_${responseId}_1` },
        { type: 'call.delta', delta: '{}' },
        { type: 'item.end' },
        { type: 'call.start', kind: 'custom', name: 'patch', callId: `call_${responseId}_2` },
        { type: 'call.delta', delta: '***' },
      ];
    case 'text':
    case 'limit':
    case 'fail':
      return [text];
  }
}

/** As many tokens as there are items. */
function count(items: readonly Item[]): EngineUsage {
  return { inputTokens: items.length, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 };
}

/** Creates the engine, with the model `test-model`. */
export function createControlledEngine(): ControlledEngine {
  const waiting = new Map<string, { release: () => void; ended: Promise<void> }>();

  const engine: Engine<readonly Item[]> = {
    name: 'controlled',
    models: async () => [{ id: 'test-model', created: 0, ownedBy: 'test' }],
    extend(parent, items) {
      if (items.some((item) => describe(item) === unrenderable)) throw errors.invalidPrompt('It cannot be rendered.');
      return [...(parent ?? []), ...items];
    },
    async *generate({ context, settings, responseId }, signal) {
      const plan = settings.metadata['plan'] as Plan;
      const gate = Promise.withResolvers<void>();
      const end = Promise.withResolvers<void>();
      const abort = () => gate.reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      waiting.set(responseId, { release: gate.resolve, ended: end.promise });
      try {
        const events = opening(plan, context.map(describe).join(' '), responseId);
        if (events.length > 0) yield events;
        await gate.promise;
        if (plan === 'fail') throw new Error('The model fell over.');
        yield [{ type: 'end', reason: plan === 'limit' ? 'max_output_tokens' : 'stop', usage: count(context) }];
      } finally {
        signal.removeEventListener('abort', abort);
        gate.promise.catch(() => {});
        waiting.delete(responseId);
        end.resolve();
      }
    },
    warm: async ({ context }) => ({ ...count(context), outputTokens: 0 }),
    release: () => {},
    close: async () => {},
  };

  return {
    engine: engine as Engine,
    release: (responseId) => waiting.get(responseId)?.release(),
    async ended(responseIds) {
      for (const id of responseIds) await waiting.get(id)?.ended;
    },
  };
}
