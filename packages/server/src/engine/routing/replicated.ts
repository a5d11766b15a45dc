/**
 * Several engines of one kind as one: a chain stays with the replica that has its state, and moves when that one fails.
 *
 * A replica that fails before its first event costs the chain one re-prefill on another; the client hears nothing of it. After the first
 * event the turn fails, since its beginning was told already.
 */
import { errors, ProtocolError, type Item } from '@longwire/protocol';
import type { AttemptCounts, EngineReading } from '../../observe/snapshot.ts';
import type { Engine, EngineEvent, EngineModel, EngineUsage, GenerateRequest } from '../engine.ts';
import { Circuit, type CircuitOptions } from './circuit.ts';
import { Turnstile, type TurnstileOptions } from './turnstile.ts';

/** What the replicas are, and how they are used. */
export interface ReplicatedOptions extends Partial<TurnstileOptions>, Partial<CircuitOptions> {
  /** Unique in the process. */
  readonly name: string;
  /** At least one; each serves the same models. Limits hold for each of them. */
  readonly replicas: readonly Engine[];
  /** Any clock in milliseconds. */
  readonly now?: () => number;
}

/** A chain up to a point, prepared in one replica at a time. */
export interface ReplicatedContext {
  readonly parent: ReplicatedContext | null;
  readonly items: readonly Item[];
  /** The same for all contexts of a tree of chains. */
  readonly root: object;
  /** Where the chain lives now. */
  prepared: { readonly replica: Replica; readonly context: unknown };
}

/** One engine with what is known of its health. */
interface Replica {
  readonly engine: Engine;
  readonly circuit: Circuit;
  readonly turnstile: Turnstile;
  readonly attempts: AttemptCounts;
}

/** An engine over its replicas. Also limits a single engine. */
export function createReplicatedEngine(options: ReplicatedOptions): Engine<ReplicatedContext> {
  return new ReplicatedEngine(options);
}

class ReplicatedEngine implements Engine<ReplicatedContext> {
  readonly name: string;
  readonly #replicas: readonly Replica[];
  readonly count?: NonNullable<Engine<ReplicatedContext>['count']>;

  constructor(options: ReplicatedOptions) {
    this.name = options.name;
    const { maxConcurrent = null, maxWaiting = 256, now = () => performance.now() } = options;
    const { failuresToOpen = 3, cooldownMs = 5_000, maxCooldownMs = 60_000 } = options;
    this.#replicas = options.replicas.map((engine) => ({
      engine,
      circuit: new Circuit({ failuresToOpen, cooldownMs, maxCooldownMs }, now),
      turnstile: new Turnstile({ maxConcurrent, maxWaiting }),
      attempts: { answered: 0, failed: 0, busy: 0 },
    }));
    if (options.replicas.every((engine) => typeof engine.count === 'function')) {
      this.count = (request, signal) => countIn(request.context.prepared, request, signal);
    }
  }

  /** Those of the first replica that can tell. */
  async models(): Promise<readonly EngineModel[]> {
    let failure: unknown = this.#unavailable();
    for (const { engine } of this.#byHealth()) {
      try {
        return await engine.models();
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  extend(parent: ReplicatedContext | null, items: readonly Item[]): ReplicatedContext {
    const replica = parent?.prepared.replica ?? this.#leastLoaded();
    const context = replica.engine.extend(parent?.prepared.context ?? null, items);
    return { parent, items, root: parent?.root ?? {}, prepared: { replica, context } };
  }

  generate(
    request: GenerateRequest<ReplicatedContext>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void, undefined> {
    return this.#run(request, signal, ({ engine }, own) => engine.generate(own, signal));
  }

  async warm(request: GenerateRequest<ReplicatedContext>, signal: AbortSignal): Promise<EngineUsage> {
    let usage = nothing;
    const warmed = this.#run(request, signal, async function* ({ engine }, own) {
      yield (await engine.warm?.(own, signal)) ?? nothing;
    });
    for await (const each of warmed) usage = each;
    return usage;
  }

  /** Nothing between two points that were prepared in different replicas. */
  text({ prepared: { replica, context } }: ReplicatedContext, since: ReplicatedContext | null): readonly Uint8Array[] {
    if (since && since.prepared.replica !== replica) return [];
    return replica.engine.text?.(context, since?.prepared.context ?? null) ?? [];
  }

  release({ prepared }: ReplicatedContext): void {
    prepared.replica.engine.release(prepared.context);
  }

  reading(): EngineReading {
    return {
      replicas: this.#replicas.map(({ engine, circuit, turnstile, attempts }) => ({
        name: engine.name,
        circuit: circuit.state,
        running: turnstile.running,
        waiting: turnstile.waiting,
        attempts,
      })),
      sequences: this.#replicas.flatMap(({ engine }) => engine.reading?.().sequences ?? []),
    };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#replicas.map(({ engine }) => engine.close()));
  }

  /** What `call` yields, of the first replica that yields anything: the chain's own, then the others. */
  async *#run<T>(
    request: GenerateRequest<ReplicatedContext>,
    signal: AbortSignal,
    call: (replica: Replica, own: GenerateRequest<unknown>) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    const tried = new Set<Replica>();
    let failure: unknown = this.#unavailable();
    for (let replica = this.#choose(request.context, tried); replica; replica = this.#choose(request.context, tried)) {
      tried.add(replica);
      const attempt = new Attempt(replica);
      const leave = await replica.turnstile.enter(partyOf(request), signal);
      try {
        attempt.begin();
        const own = { ...request, context: prepareIn(replica, request.context) };
        for await (const each of call(replica, own)) {
          attempt.succeed();
          yield each;
        }
        attempt.succeed();
        return;
      } catch (error) {
        if (signal.aborted || !isReplicaFault(error)) throw error;
        if (isFailure(error)) attempt.fail();
        else attempt.refuse();
        if (attempt.answered) throw error;
        failure = error;
      } finally {
        attempt.end();
        leave();
      }
    }
    throw failure;
  }

  /** The replica where the chain lives, while it is in use; then whichever has least to do. */
  #choose({ prepared }: ReplicatedContext, tried: ReadonlySet<Replica>): Replica | null {
    const { replica: home } = prepared;
    if (!tried.has(home) && home.circuit.allows) return home;
    const others = this.#byHealth().filter((replica) => !tried.has(replica) && replica.circuit.allows);
    return others[0] ?? null;
  }

  #leastLoaded(): Replica {
    const [replica] = this.#byHealth();
    if (!replica) throw this.#unavailable();
    return replica;
  }

  /** Replicas in use first, and of those the one with least to do. */
  #byHealth(): Replica[] {
    const rank = ({ circuit }: Replica): number => (circuit.isClosed ? 0 : circuit.allows ? 1 : 2);
    return this.#replicas.toSorted((a, b) => rank(a) - rank(b) || a.turnstile.load - b.turnstile.load);
  }

  #unavailable(): ProtocolError {
    return errors.engineUnavailable(`No replica of the engine '${this.name}' is in use at the moment.`);
  }
}

/** Reports one turn to a circuit: one verdict at least, the first answer at once. Counted is what came of it in the end. */
class Attempt {
  readonly #replica: Replica;
  #settled = false;
  #result: keyof AttemptCounts | null = null;
  answered = false;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  begin(): void {
    this.#replica.circuit.begin();
  }

  succeed(): void {
    if (this.answered) return;
    this.answered = true;
    this.#settled = true;
    this.#result = 'answered';
    this.#replica.circuit.succeed();
  }

  fail(): void {
    this.#settled = true;
    this.#result = 'failed';
    this.#replica.circuit.fail();
  }

  refuse(): void {
    this.#result = 'busy';
  }

  end(): void {
    const { circuit, attempts } = this.#replica;
    if (!this.#settled) circuit.abandon();
    if (this.#result) attempts[this.#result]++;
  }
}

/** The chain's context in a replica; derived from its beginning where it lived elsewhere, and kept. */
function prepareIn(replica: Replica, context: ReplicatedContext): unknown {
  const missing: ReplicatedContext[] = [];
  let at: ReplicatedContext | null = context;
  while (at && at.prepared.replica !== replica) {
    missing.push(at);
    at = at.parent;
  }
  let own: unknown = at?.prepared.context ?? null;
  for (const each of missing.toReversed()) {
    own = replica.engine.extend(own, each.items);
    each.prepared = { replica, context: own };
  }
  return own;
}

function countIn(
  { replica, context }: ReplicatedContext['prepared'],
  request: GenerateRequest<ReplicatedContext>,
  signal: AbortSignal,
): Promise<number> {
  const { engine } = replica;
  if (!engine.count) throw errors.engineUnavailable(`The engine '${engine.name}' cannot count tokens.`);
  return engine.count({ ...request, context }, signal);
}

/** Who waits: the end user where the client names one, else the conversation. */
function partyOf({ requested, context }: GenerateRequest<ReplicatedContext>): unknown {
  return requested.safety_identifier ?? requested.user ?? context.root;
}

/** Another replica may do better. */
function isReplicaFault(error: unknown): boolean {
  return isFailure(error) || (error instanceof ProtocolError && busyEntries.has(error.entry));
}

/** The replica is ill, and not only busy. */
function isFailure(error: unknown): boolean {
  return error instanceof ProtocolError && failureEntries.has(error.entry);
}

const failureEntries: ReadonlySet<string> = new Set(['engine_unavailable', 'engine_timeout']);
const busyEntries: ReadonlySet<string> = new Set(['server_is_overloaded', 'rate_limit_exceeded']);

const nothing: EngineUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
