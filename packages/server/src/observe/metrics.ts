/** All metrics of one server, in the text form of Prometheus. Loaded only where they are asked for. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { createReadings } from './readings.ts';
import type { Snapshot } from './snapshot.ts';
import type { StoreMeter } from './store-meter.ts';
import { createStoreMetrics } from './store-metrics.ts';
import type { TurnMeter } from './turn-meter.ts';
import { createTurnMetrics, type TurnMetricsOptions } from './turn-metrics.ts';

/** How to count. */
export interface MetricsOptions extends TurnMetricsOptions {
  /** Of this server. */
  readonly version: string;
}

/** Counts what it is told of, and writes it down together with a snapshot of the rest. */
export class Metrics {
  readonly turns: TurnMeter;
  readonly store: StoreMeter;
  /** Those of the server, without the process's. */
  readonly own = new Registry();
  /** Of the text. */
  readonly contentType: string;
  readonly #all: Registry;
  readonly #record: (snapshot: Snapshot) => void;

  constructor(options: MetricsOptions) {
    const { own } = this;
    this.turns = createTurnMetrics(own, options);
    this.store = createStoreMetrics(own);
    this.#record = createReadings(own);
    new Gauge({
      name: 'longwire_info',
      help: 'The version of this server; always 1.',
      labelNames: ['version'],
      registers: [own],
    }).set({ version: options.version }, 1);
    this.#all = Registry.merge([own, processRegistry()]);
    this.contentType = this.#all.contentType;
  }

  /** Everything as it is now. */
  write(snapshot: Snapshot): Promise<string> {
    this.#record(snapshot);
    return this.#all.metrics();
  }
}

let shared: Registry | null = null;

/** CPU, memory, event-loop delay, garbage collection: once for the process, however many servers are in it. */
function processRegistry(): Registry {
  if (!shared) {
    shared = new Registry();
    collectDefaultMetrics({ register: shared });
  }
  return shared;
}
