/** The store as Prometheus counts it. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { StoreMeter } from './store-meter.ts';

/** The operations of one store. */
export function createStoreMetrics(registry: Registry): StoreMeter {
  const duration = new Histogram({
    name: 'longwire_store_operation_duration_seconds',
    help: 'Reads and writes of the store, from the call to the answer: a write is on disk then.',
    labelNames: ['operation'] as const,
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const failures = new Counter({
    name: 'longwire_store_failures_total',
    help: 'Reads and writes that failed: a full disk, a locked file.',
    labelNames: ['operation'] as const,
    registers: [registry],
  });
  return {
    operated(operation, durationMs, done) {
      duration.observe({ operation }, durationMs / 1000);
      if (!done) failures.inc({ operation });
    },
  };
}
