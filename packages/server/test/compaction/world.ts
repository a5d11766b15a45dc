/** A server whose model remembers facts: what it has read, it says again, and puts into its summaries. */
import { createEchoEngine, type EchoCall } from '../echo-engine.ts';
import { startTestServer, type Setup } from '../harness.ts';
import type { Engine, EngineEvent } from '../../src/engine/engine.ts';
import type { RunningServer } from '../../src/server.ts';

export const sealingKey = Buffer.alloc(32, 1).toString('base64');
export const otherKey = Buffer.alloc(32, 2).toString('base64');

/** What the model does once it has read what is new. */
export type Step = (facts: readonly string[], turn: number) => readonly EngineEvent[];

/** Says all the facts that it knows. */
export const recite: Step = (facts) => [{ type: 'text.delta', delta: `I know ${facts.join(' ')}.` }];

/** A model with a perfect memory of every `fact-N` in its context, and what it was asked. Four bytes are a token. */
export function createRememberingEngine(step: Step = recite): { engine: Engine; calls: EchoCall[] } {
  let turn = 0;
  const { engine, calls } = createEchoEngine({
    answer({ context, purpose }) {
      const text = JSON.stringify(context.items);
      const facts = [...new Set(text.match(/fact-\d+/g))].toSorted((a, b) =>
        a.localeCompare(b, 'en', { numeric: true }),
      );
      const events: readonly EngineEvent[] =
        purpose === 'summary'
          ? [
              { type: 'text.delta', delta: 'Read so far: ' },
              { type: 'text.delta', delta: facts.join(' ') },
            ]
          : step(facts, turn++);
      const usage = {
        inputTokens: tokensOf(text),
        cachedTokens: 0,
        outputTokens: tokensOf(JSON.stringify(events)),
        reasoningTokens: 0,
      };
      return [...events, { type: 'end', reason: 'stop', usage }];
    },
  });
  return { engine, calls };
}

export function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** A test server with a sealing key of its own: nothing is written to the user's folders. */
export function startCompactingServer(setup: Setup = {}): Promise<RunningServer & AsyncDisposable> {
  return startTestServer({ ...setup, flags: ['--sealing-key', sealingKey, ...(setup.flags ?? [])] });
}

/** The texts of a context, as the model was given them for its latest answer. */
export function lastContext(calls: readonly EchoCall[]): string[] {
  const last = calls.findLast((call) => call.kind === 'generate' && call.request.purpose === undefined);
  if (last?.kind !== 'generate') throw new Error('The model was not asked.');
  return last.request.context.items.map((item) => {
    if (item.type !== 'message') return item.type;
    const { content } = item;
    const text =
      typeof content === 'string' ? content : content.map((part) => ('text' in part ? part.text : '')).join('');
    return `${item.role}: ${text}`;
  });
}

/** How often the model was asked for a summary. */
export function summariesIn(calls: readonly EchoCall[]): number {
  return calls.filter((call) => call.kind === 'generate' && call.request.purpose === 'summary').length;
}
