/** What the benchmark must know of a server to measure it beside Longwire. */
import type { BenchMode } from '../../packages/server/src/cli/bench-driver.ts';

/** How a server asks the engine: with chat completions, or with the Responses API that it passes on. */
export type PeerWire = 'chat' | 'responses';

/** Where a server comes from. */
export interface PeerPackage {
  readonly name: string;
  readonly version: string;
  /** Versions of what it depends on, where it does not run with the newest that it allows. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/** A server of the Responses API. */
export interface Peer {
  /** For `--peers`. */
  readonly name: string;
  readonly title: string;
  /** What npm installs; null for what is in this repository. */
  readonly package: PeerPackage | null;
  readonly wire: PeerWire;
  /** Ways of sending a turn that it takes. */
  readonly modes: readonly BenchMode[];
  /** What it does with a turn and what it leaves out, for who reads the figures. */
  readonly does: string;
  launch(place: Place): Launch;
}

/** Where it runs. */
export interface Place {
  /** Folder of the installed package; the repository for what is in it. */
  readonly folder: string;
  /** A home folder of its own: nothing of the person's is read or written. */
  readonly home: string;
  /** Base URL of the engine, ending in `/v1`. */
  readonly engine: string;
  /** A free port of loopback. */
  readonly port: number;
  /** Names of the engine's models. */
  readonly models: readonly string[];
}

/** How it is started and called. */
export interface Launch {
  /** Of Node: a script below the folder, then its arguments. */
  readonly argv: readonly string[];
  /** Besides PATH, HOME and what every peer gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Contents of files to write first, by their paths below the home. */
  readonly files?: Readonly<Record<string, string>>;
  /** Answers with any status below 500 once it listens. */
  readonly readyPath: string;
  /** What stands in front of `/responses`. */
  readonly basePath: string;
  /** Headers that every call needs. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Its name for a model of the engine; the same one where this is missing. */
  readonly toModel?: (model: string) => string;
  /** What is set by hand in a browser otherwise. `url` has no path; more headers for every call. Throws an `Error` in a sentence. */
  readonly configure?: (url: string) => Promise<Readonly<Record<string, string>>>;
}
