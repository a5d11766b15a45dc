/** The embedded engine: a GGUF model by llama.cpp in this process, each chain on a KV sequence of its own. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ProtocolError, errors } from '@longwire/protocol';
import type { Item } from '@longwire/protocol';
import type { EngineReading } from '../../observe/snapshot.ts';
import type { Engine, EngineEvent, EngineModel, EngineUsage, GenerateRequest } from '../engine.ts';
import { abortable } from '../token-chain/abortable.ts';
import { extendContext } from '../token-chain/context.ts';
import type { TokenContext } from '../token-chain/context.ts';
import type { Runtime, RuntimeOptions } from './runtime.ts';

/** The model, its name, and what it may take. */
export interface LlamaEngineOptions extends RuntimeOptions {
  /** The name that clients send as `model`: the file's name without its ending where it is left out. */
  readonly name?: string | undefined;
  /** One line for the banner and `/v1/models`. */
  readonly description?: string | undefined;
}

/**
 * An engine for one model. The file is looked at, and loading begins, in the background: turns wait for it, `models()` does not.
 * Rejects with `engine_unavailable` when there is no such file.
 */
export async function createLlamaEngine(options: LlamaEngineOptions): Promise<Engine<TokenContext>> {
  const file = await stat(options.modelPath).catch((cause: unknown) => {
    throw errors.engineUnavailable(`There is no model file '${basename(options.modelPath)}'.`, cause);
  });
  return new LlamaEngine(options, Math.floor(file.mtimeMs / 1000));
}

class LlamaEngine implements Engine<TokenContext> {
  readonly name: string;
  readonly #model: EngineModel;
  readonly #loading: Promise<Runtime>;
  readonly #closing = new AbortController();
  #runtime: Runtime | null = null;

  constructor(options: LlamaEngineOptions, created: number) {
    const id = options.name ?? basename(options.modelPath).replace(/\.gguf$/i, '');
    this.name = `llama:${id}`;
    this.#model = {
      id,
      created,
      ownedBy: 'longwire',
      ...(options.description === undefined ? {} : { description: options.description }),
    };
    this.#loading = this.#load(options);
    // A failure is told to the turns that need the model.
    this.#loading.catch(() => {});
  }

  models(): Promise<readonly EngineModel[]> {
    const contextTokens = this.#runtime?.contextTokens;
    return Promise.resolve([contextTokens === undefined ? this.#model : { ...this.#model, contextTokens }]);
  }

  extend(parent: TokenContext | null, items: readonly Item[]): TokenContext {
    return extendContext(parent, items);
  }

  async *generate(
    request: GenerateRequest<TokenContext>,
    aborted: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void> {
    const signal = AbortSignal.any([aborted, this.#closing.signal]);
    const runtime = await abortable(this.#loading, signal);
    yield* runtime.generate(request, signal);
  }

  async warm(request: GenerateRequest<TokenContext>, aborted: AbortSignal): Promise<EngineUsage> {
    const signal = AbortSignal.any([aborted, this.#closing.signal]);
    const runtime = await abortable(this.#loading, signal);
    return runtime.warm(request, signal);
  }

  async count(request: GenerateRequest<TokenContext>, aborted: AbortSignal): Promise<number> {
    const runtime = await abortable(this.#loading, AbortSignal.any([aborted, this.#closing.signal]));
    return runtime.count(request);
  }

  /** Nothing before the model is loaded. */
  reading(): EngineReading {
    const pool = this.#runtime?.reading();
    return { replicas: [], sequences: pool ? [{ name: this.name, ...pool }] : [] };
  }

  release(context: TokenContext): void {
    context.release();
    this.#runtime?.sweep();
  }

  async close(): Promise<void> {
    this.#closing.abort(errors.engineUnavailable('The model is being unloaded.'));
    const runtime = await this.#loading.catch(() => null);
    await runtime?.dispose();
  }

  async #load(options: RuntimeOptions): Promise<Runtime> {
    // Importing the binding holds the event loop for some 0.3 s: whoever made the engine goes on first.
    await setImmediate();
    try {
      const { loadRuntime } = await import('./runtime.ts');
      return (this.#runtime = await loadRuntime(options));
    } catch (cause) {
      if (cause instanceof ProtocolError) throw cause;
      throw errors.engineUnavailable(`The model '${this.#model.id}' could not be loaded.`, cause);
    }
  }
}
