/** From a model's name to the engine that serves it. */
import { errors } from '@longwire/protocol';
import type { RoutedEngineReading } from '../observe/snapshot.ts';
import type { Engine, EngineModel } from './engine.ts';

/** An engine and the model asked of it. */
export interface Route {
  readonly engine: Engine;
  readonly model: EngineModel;
}

/** Knows every engine and, after the first question, every model. Where two serve one name, a chain stays with its own; else earlier ones win. */
export class Router {
  readonly #engines: readonly Engine[];
  /** By the model's name; never an empty list. */
  #routes = new Map<string, readonly Route[]>();
  /** Those that told their models when they were asked last. */
  #answering: ReadonlySet<Engine> = new Set();

  constructor(engines: readonly Engine[]) {
    this.#engines = engines;
  }

  /** The models of all engines that answer now; those of an engine that cannot tell are left out. */
  async models(): Promise<readonly EngineModel[]> {
    const found = await Promise.allSettled(this.#engines.map((engine) => engine.models()));
    const routes = new Map<string, Route[]>();
    this.#answering = new Set(this.#engines.filter((_, index) => found[index]?.status === 'fulfilled'));
    for (const [index, result] of found.entries()) {
      const engine = this.#engines[index];
      if (result.status === 'rejected' || !engine) continue;
      for (const model of result.value) {
        const known = routes.get(model.id);
        if (known) known.push({ engine, model });
        else routes.set(model.id, [{ engine, model }]);
      }
    }
    this.#routes = routes;
    return [...routes.values()].flatMap(([first]) => (first ? [first.model] : []));
  }

  /** As `route`, for a model that is known already. */
  find(model: string, engineName: string | undefined): Route | undefined {
    const routes = this.#routes.get(model);
    return routes?.find(({ engine }) => engine.name === engineName) ?? routes?.[0];
  }

  /**
   * The route of a model; asks the engines once more when the name is new. `engineName` is the engine that has the chain's state:
   * it is taken where it serves the model.
   * Throws `model_not_found`, or the engines' own `engine_unavailable` when none of them could tell its models.
   */
  async route(model: string, engineName?: string): Promise<Route> {
    const known = this.find(model, engineName);
    if (known) return known;
    await this.models();
    const found = this.find(model, engineName);
    if (found) return found;
    if (this.#routes.size === 0) await Promise.all(this.#engines.map((engine) => engine.models()));
    throw errors.modelNotFound(model);
  }

  /** What the engine of this name holds as bytes between two of its contexts (`Engine.text`). */
  text(engineName: string, context: unknown, since: unknown): readonly Uint8Array[] {
    return this.#engine(engineName)?.text?.(context, since) ?? [];
  }

  /** Every engine at this moment. */
  reading(): RoutedEngineReading[] {
    return this.#engines.map((engine) => {
      const { replicas = [], sequences = [] } = engine.reading?.() ?? {};
      return { name: engine.name, isUp: this.#answering.has(engine), replicas, sequences };
    });
  }

  /** Tells the engine of this name that a context will hardly be used again. */
  release(engineName: string, context: unknown): void {
    this.#engine(engineName)?.release(context);
  }

  /** Closes every engine. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#engines.map((engine) => engine.close()));
  }

  #engine(name: string): Engine | undefined {
    return this.#engines.find((engine) => engine.name === name);
  }
}
