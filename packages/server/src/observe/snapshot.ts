/** The house at one moment, as it is read for a scrape: numbers that are at hand, and nothing that grows with what clients send. */
import type { ExtensionCounts } from './extension-counts.ts';

/** Sockets and connections of the process. */
export interface SocketsReading {
  /** Sockets that are open. */
  readonly open: number;
  /** Resumable connections that wait for a socket. */
  readonly waiting: number;
  /** Lanes of all connections. */
  readonly lanes: number;
  /** Requests that wait in their lanes. */
  readonly queued: number;
  /** Bytes that wait for readers. */
  readonly outboxBytes: number;
  /** Bytes that resumable connections keep until they are acknowledged. */
  readonly resumeBytes: number;
}

/** How often sockets came and were given up on; counters, which only grow. */
export interface SocketCounts {
  opened: number;
  /** Clients that did not read. */
  slowReaders: number;
  /** Clients that sent no byte, pongs included. */
  deadPeers: number;
}

/** All at zero. */
export function createSocketCounts(): SocketCounts {
  return { opened: 0, slowReaders: 0, deadPeers: 0 };
}

/** Background responses that this process holds a lease on. */
export interface BackgroundReading {
  readonly running: number;
  /** Those that wait for a place. */
  readonly waiting: number;
}

/** How often a replica was tried, by what came of it; counters, which only grow. */
export interface AttemptCounts {
  answered: number;
  /** It was ill: unavailable or silent. */
  failed: number;
  /** It was well and had no room. */
  busy: number;
}

/** One replica of an engine. */
export interface ReplicaReading {
  readonly name: string;
  readonly circuit: 'closed' | 'open' | 'trial';
  readonly running: number;
  readonly waiting: number;
  readonly attempts: Readonly<AttemptCounts>;
}

/** How leases of sequences began, and what became of what they took the place of; counters, which only grow. */
export interface SequenceCounts {
  /** On tokens that the sequence held. */
  continued: number;
  /** On a copy of another sequence's tokens. */
  copied: number;
  /** On a state that was put aside. */
  restored: number;
  /** On nothing. */
  fresh: number;
  /** Chains that may go on lost their sequence, and its state was put aside. */
  spilled: number;
  /** The same, and its state is gone. */
  dropped: number;
}

/** A pool of KV sequences: of the embedded engine, or of a server's slots. */
export interface SequencesReading {
  /** The engine or replica that they belong to. */
  readonly name: string;
  readonly leased: number;
  /** Free, with tokens in them. */
  readonly held: number;
  readonly empty: number;
  /** Leases that wait for a sequence. */
  readonly waiting: number;
  readonly spilledStates: number;
  readonly spilledBytes: number;
  readonly counts: Readonly<SequenceCounts>;
}

/** What an engine can tell of itself. */
export interface EngineReading {
  readonly replicas: readonly ReplicaReading[];
  readonly sequences: readonly SequencesReading[];
}

/** The same, as the router sees it. */
export interface RoutedEngineReading extends EngineReading {
  readonly name: string;
  /** Whether it told its models when it was asked last. */
  readonly isUp: boolean;
}

/** Everything that is read at a scrape. */
export interface Snapshot {
  readonly sockets: SocketsReading;
  readonly socketCounts: Readonly<SocketCounts>;
  readonly extensionCounts: Readonly<ExtensionCounts>;
  readonly background: BackgroundReading;
  readonly engines: readonly RoutedEngineReading[];
  /** Bytes of the store's files; 0 where it has none. */
  readonly storeBytes: number;
}
