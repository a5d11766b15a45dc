/** What the upstream's GET /models says, kept for a moment. */
import type { EngineModel } from '../engine.ts';
import type { UpstreamErrors } from './errors.ts';
import type { Upstream } from './upstream.ts';

/** What is served, and how long an answer is believed. */
export interface ModelListOptions {
  /** Models that are served whatever the upstream lists; empty to serve what it lists. */
  readonly names: readonly string[];
  /** Below the base URL; `/models` where it is left out. */
  readonly path?: string;
  readonly ttlMs: number;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

const maxListBytes = 8 * 1024 * 1024;

/** The models of one upstream. */
export class ModelList {
  readonly #upstream: Upstream;
  readonly #errors: UpstreamErrors;
  readonly #options: ModelListOptions;
  #known: { readonly models: readonly EngineModel[]; readonly until: number } | null = null;
  #asking: Promise<readonly EngineModel[]> | null = null;

  constructor(upstream: Upstream, errors: UpstreamErrors, options: ModelListOptions) {
    this.#upstream = upstream;
    this.#errors = errors;
    this.#options = options;
  }

  /**
   * The models now: one question at a time, at most one per `ttlMs`. With names given, the upstream only adds what it knows of
   * them; without, throws `engine_unavailable` when it cannot tell.
   */
  async list(): Promise<readonly EngineModel[]> {
    if (this.#known && this.#options.now() < this.#known.until) return this.#known.models;
    this.#asking ??= this.#refresh().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #refresh(): Promise<readonly EngineModel[]> {
    const { names, ttlMs, now } = this.#options;
    let models: readonly EngineModel[];
    try {
      models = await this.#ask();
    } catch (error) {
      if (names.length === 0) throw error;
      models = [];
    }
    if (names.length > 0) {
      const listed = new Map(models.map((model) => [model.id, model]));
      models = names.map((id) => listed.get(id) ?? { id, created: 0, ownedBy: 'upstream' });
    }
    this.#known = { models, until: now() + ttlMs };
    return models;
  }

  async #ask(): Promise<readonly EngineModel[]> {
    const reply = await this.#upstream.get(this.#options.path ?? '/models');
    const body = await reply.text(maxListBytes);
    if (reply.status !== 200) {
      throw this.#errors.brokenStream(`could not list its models (${reply.status})`, new Error(body.slice(0, 500)));
    }
    try {
      return toEngineModels(JSON.parse(body));
    } catch (cause) {
      throw this.#errors.brokenStream('did not answer /models with a list of models', cause);
    }
  }
}

/** Reads `{data:[…]}`, and the bare array of a few servers. Throws when it is neither. */
export function toEngineModels(body: unknown): EngineModel[] {
  const list: unknown = Array.isArray(body) ? body : isRecord(body) ? body['data'] : null;
  if (!Array.isArray(list)) throw new TypeError('No list of models.');
  return list.filter(isRecord).flatMap((entry) => {
    const { id, created, owned_by: ownedBy } = entry;
    if (typeof id !== 'string' || id === '') return [];
    const contextTokens = toContextTokens(entry);
    return {
      id,
      created: typeof created === 'number' ? created : 0,
      ownedBy: typeof ownedBy === 'string' ? ownedBy : 'upstream',
      ...(contextTokens !== null && { contextTokens }),
    };
  });
}

/** vLLM and SGLang; OpenRouter and others; Groq; llama-server, as it is running and as the model was trained. */
function toContextTokens(entry: Record<string, unknown>): number | null {
  const meta = isRecord(entry['meta']) ? entry['meta'] : {};
  const candidates = [
    entry['max_model_len'],
    entry['context_length'],
    entry['context_window'],
    meta['n_ctx'],
    meta['n_ctx_train'],
  ];
  return candidates.find((each): each is number => typeof each === 'number' && each > 0) ?? null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
