/** What a snapshot of the house says, as metrics: a table with one row for each. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ReplicaReading, RoutedEngineReading, SequencesReading, Snapshot } from './snapshot.ts';

/** A value, and its labels in the order of the row's. */
type Sample = readonly [value: number, ...labels: string[]];

interface Row {
  readonly kind: 'gauge' | 'counter';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (snapshot: Snapshot) => readonly Sample[];
}

const rows: readonly Row[] = [
  {
    kind: 'gauge',
    name: 'longwire_connections',
    help: 'Connections with an open socket, and resumable ones that wait for one.',
    labels: ['state'],
    read: ({ sockets }) => [
      [sockets.open, 'open'],
      [sockets.waiting, 'waiting'],
    ],
  },
  {
    kind: 'gauge',
    name: 'longwire_lanes',
    help: 'Lanes of all connections, the unnamed ones included.',
    labels: [],
    read: ({ sockets }) => [[sockets.lanes]],
  },
  {
    kind: 'gauge',
    name: 'longwire_requests_queued',
    help: 'Requests that wait for their turn on a connection.',
    labels: [],
    read: ({ sockets }) => [[sockets.queued]],
  },
  {
    kind: 'gauge',
    name: 'longwire_outbox_bytes',
    help: 'Bytes that wait for the readers of sockets.',
    labels: [],
    read: ({ sockets }) => [[sockets.outboxBytes]],
  },
  {
    kind: 'gauge',
    name: 'longwire_resume_buffer_bytes',
    help: 'Bytes that resumable connections keep until they are acknowledged.',
    labels: [],
    read: ({ sockets }) => [[sockets.resumeBytes]],
  },
  {
    kind: 'counter',
    name: 'longwire_sockets_opened_total',
    help: 'Sockets that were opened.',
    labels: [],
    read: ({ socketCounts }) => [[socketCounts.opened]],
  },
  {
    kind: 'counter',
    name: 'longwire_sockets_dropped_total',
    help: 'Sockets that were given up on: their client did not read, or sent no sign of life.',
    labels: ['reason'],
    read: ({ socketCounts }) => [
      [socketCounts.slowReaders, 'slow_reader'],
      [socketCounts.deadPeers, 'dead_peer'],
    ],
  },
  {
    kind: 'counter',
    name: 'longwire_connections_detached_total',
    help: 'Resumable connections that lost their socket.',
    labels: [],
    read: ({ extensionCounts }) => [[extensionCounts.detached]],
  },
  {
    kind: 'counter',
    name: 'longwire_resumptions_total',
    help: 'What became of resumptions: resumed, refused (unknown, foreign or too late), expired (nobody came).',
    labels: ['result'],
    read: ({ extensionCounts }) => [
      [extensionCounts.resumed, 'resumed'],
      [extensionCounts.refused, 'refused'],
      [extensionCounts.expired, 'expired'],
    ],
  },
  {
    kind: 'counter',
    name: 'longwire_idempotent_replays_total',
    help: 'Requests that were answered with the turn that an earlier one with the same idempotency key had begun.',
    labels: [],
    read: ({ extensionCounts }) => [[extensionCounts.attached]],
  },
  {
    kind: 'gauge',
    name: 'longwire_background_responses',
    help: 'Background responses that this process holds the lease of.',
    labels: ['state'],
    read: ({ background }) => [
      [background.running, 'running'],
      [background.waiting, 'waiting'],
    ],
  },
  {
    kind: 'gauge',
    name: 'longwire_store_bytes',
    help: "Bytes of the store's files; 0 without any.",
    labels: [],
    read: ({ storeBytes }) => [[storeBytes]],
  },
  {
    kind: 'gauge',
    name: 'longwire_engine_up',
    help: 'Whether the engine told its models when it was asked last.',
    labels: ['engine'],
    read: ({ engines }) => engines.map(({ name, isUp }) => [isUp ? 1 : 0, name]),
  },
  {
    kind: 'gauge',
    name: 'longwire_replica_circuit',
    help: 'The state of a replica: 1 for the one that it is in (closed: in use; open: left alone; trial: one turn finds out).',
    labels: ['engine', 'replica', 'state'],
    read: ofReplicas(({ circuit }) =>
      (['closed', 'open', 'trial'] as const).map((state) => [circuit === state ? 1 : 0, state]),
    ),
  },
  {
    kind: 'gauge',
    name: 'longwire_replica_turns',
    help: 'Turns at a replica: those that run, and those that wait for a place.',
    labels: ['engine', 'replica', 'state'],
    read: ofReplicas(({ running, waiting }) => [
      [running, 'running'],
      [waiting, 'waiting'],
    ]),
  },
  {
    kind: 'counter',
    name: 'longwire_replica_attempts_total',
    help: 'Turns that a replica was tried for, by what came of it; those that failed or met no room went on to another.',
    labels: ['engine', 'replica', 'result'],
    read: ofReplicas(({ attempts }) => [
      [attempts.answered, 'answered'],
      [attempts.failed, 'failed'],
      [attempts.busy, 'busy'],
    ]),
  },
  {
    kind: 'gauge',
    name: 'longwire_sequences',
    help: 'KV sequences: leased to a turn, free with the tokens of a chain, or empty.',
    labels: ['engine', 'replica', 'state'],
    read: ofSequences(({ leased, held, empty }) => [
      [leased, 'leased'],
      [held, 'held'],
      [empty, 'empty'],
    ]),
  },
  {
    kind: 'gauge',
    name: 'longwire_sequence_waiters',
    help: 'Turns that wait for a KV sequence.',
    labels: ['engine', 'replica'],
    read: ofSequences(({ waiting }) => [[waiting]]),
  },
  {
    kind: 'counter',
    name: 'longwire_sequence_leases_total',
    help: 'Leases of KV sequences, by what they began with: tokens held, a copy of them, a state put aside, or nothing.',
    labels: ['engine', 'replica', 'start'],
    read: ofSequences(({ counts }) => [
      [counts.continued, 'continued'],
      [counts.copied, 'copied'],
      [counts.restored, 'restored'],
      [counts.fresh, 'fresh'],
    ]),
  },
  {
    kind: 'counter',
    name: 'longwire_sequence_evictions_total',
    help: 'Chains that may go on and lost their KV sequence: its state was put aside (spilled) or is gone (dropped).',
    labels: ['engine', 'replica', 'state'],
    read: ofSequences(({ counts }) => [
      [counts.spilled, 'spilled'],
      [counts.dropped, 'dropped'],
    ]),
  },
  {
    kind: 'gauge',
    name: 'longwire_spilled_states',
    help: 'States of KV sequences that are put aside.',
    labels: ['engine', 'replica'],
    read: ofSequences(({ spilledStates }) => [[spilledStates]]),
  },
  {
    kind: 'gauge',
    name: 'longwire_spilled_bytes',
    help: 'Bytes of these states.',
    labels: ['engine', 'replica'],
    read: ofSequences(({ spilledBytes }) => [[spilledBytes]]),
  },
];

/** Registers every row. Call what comes back with a snapshot before the metrics are read. */
export function createReadings(registry: Registry): (snapshot: Snapshot) => void {
  const recorders = rows.map(({ kind, name, help, labels, read }) => {
    const shape = { name, help, labelNames: [...labels], registers: [registry] };
    const metric = kind === 'gauge' ? new Gauge(shape) : new Counter(shape);
    return (snapshot: Snapshot): void => {
      // What is gone leaves no last value behind, and a counter takes its sum anew.
      metric.reset();
      for (const [value, ...values] of read(snapshot)) metric.labels(...values).inc(value);
    };
  });
  return (snapshot) => {
    for (const record of recorders) record(snapshot);
  };
}

function ofReplicas(read: (replica: ReplicaReading) => readonly Sample[]): Row['read'] {
  return ({ engines }) => engines.flatMap((engine) => labelled(engine, engine.replicas, read));
}

function ofSequences(read: (sequences: SequencesReading) => readonly Sample[]): Row['read'] {
  return ({ engines }) => engines.flatMap((engine) => labelled(engine, engine.sequences, read));
}

function labelled<Part extends { readonly name: string }>(
  { name }: RoutedEngineReading,
  parts: readonly Part[],
  read: (part: Part) => readonly Sample[],
): Sample[] {
  return parts.flatMap((part) => read(part).map(([value, ...labels]): Sample => [value, name, part.name, ...labels]));
}
