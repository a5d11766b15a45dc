/** An engine that says what it was given: tests read the model's view of a chain from its answer. */
import type { Item } from '@longwire/protocol';
import type { Engine, EngineEvent, GenerateRequest } from '../src/engine/engine.ts';

/** What the engine keeps: the items so far, and how often it was asked to extend. */
interface EchoContext {
  readonly items: readonly Item[];
}

/** Something that happened to the engine, for tests that look at the engine's side. */
export type EchoCall =
  | { readonly kind: 'extend'; readonly items: number }
  | { readonly kind: 'generate'; readonly request: GenerateRequest<EchoContext> }
  | { readonly kind: 'warm' }
  | { readonly kind: 'release' }
  | { readonly kind: 'aborted' };

/** How the engine answers; `hold` keeps a generation open after its first event until it is aborted or let go. */
export interface EchoOptions {
  /** Events in place of the echo. */
  readonly answer?: (request: GenerateRequest<EchoContext>) => readonly EngineEvent[];
  readonly hold?: (request: GenerateRequest<EchoContext>) => Promise<void> | undefined;
  /** Keeps a warm-up from its end. */
  readonly holdWarmUp?: Promise<void>;
  /** An aborted generation ends only after this. */
  readonly linger?: Promise<void>;
}

/** The engine, model `test-model`, and the record of what it was asked. */
export function createEchoEngine(options: EchoOptions = {}): { engine: Engine; calls: EchoCall[] } {
  const calls: EchoCall[] = [];

  async function* generate(
    request: GenerateRequest<EchoContext>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[]> {
    calls.push({ kind: 'generate', request });
    const answer = options.answer?.(request) ?? [
      { type: 'text.delta', delta: request.context.items.map(describe).join(' | ') },
    ];
    yield answer;
    const held = options.hold?.(request);
    if (held) {
      const aborted = new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      try {
        await Promise.race([held, aborted]);
      } catch (reason) {
        calls.push({ kind: 'aborted' });
        await options.linger;
        throw reason;
      }
    }
    if (answer.at(-1)?.type === 'end') return;
    const usage = { inputTokens: request.context.items.length, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 };
    yield [{ type: 'end', reason: 'stop', usage }];
  }

  const engine: Engine<EchoContext> = {
    name: 'echo',
    models: async () => [{ id: 'test-model', created: 0, ownedBy: 'test' }],
    extend(parent, items) {
      calls.push({ kind: 'extend', items: items.length });
      return { items: [...(parent?.items ?? []), ...items] };
    },
    generate,
    async warm(request) {
      calls.push({ kind: 'warm' });
      await options.holdWarmUp;
      return { inputTokens: request.context.items.length, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
    },
    release: () => void calls.push({ kind: 'release' }),
    close: async () => {},
  };
  return { engine: engine as Engine, calls };
}

/** An echo that waits after its words until it is let go on. */
export function createHeldEngine() {
  const gate = Promise.withResolvers<void>();
  return { ...createEchoEngine({ hold: () => gate.promise }), release: () => gate.resolve() };
}

function describe(item: Item): string {
  const record = item as { call_id?: string; id?: string };
  if (item.type !== 'message') return `${item.type}:${record.call_id ?? record.id ?? ''}`;
  const { role, content } = item as unknown as { role: string; content: string | { text?: string }[] };
  // The model's own words would nest echo in echo.
  if (role === 'assistant') return role;
  const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');
  return `${role}:${text}`;
}
