/** What a fault is played on: Codex, the proxy that breaks the line, and a server of its own. */
import { FaultProxy } from '../packages/server/test/clients/fault-proxy.ts';
import type { FaultPlan, SeenRequest } from '../packages/server/test/clients/fault-proxy.ts';
import { check } from './checks.ts';
import type { Check } from './checks.ts';
import { Codex } from './codex.ts';
import type { CodexOptions } from './codex.ts';
import { startLongwire } from './longwire.ts';
import type { Longwire, LongwireOptions } from './longwire.ts';

/** Where a fault is played. */
export interface Place {
  /** Empty and its own. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** What makes one fault differ from another. */
export interface FaultSetup {
  readonly server?: Omit<LongwireOptions, 'folder' | 'signal' | 'port'>;
  readonly plan?: FaultPlan;
  readonly codex?: CodexOptions;
  /** Environment of Codex beyond the server's. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What a fault did. */
export interface FaultReport {
  /** In a few words, for the table. */
  readonly seen: string;
  readonly checks: readonly Check[];
}

/** A line of the fault table. */
export interface FaultCase {
  readonly fault: string;
  /** What Codex makes of it (clients.md 4), in a few words. */
  readonly expected: string;
  readonly play: (place: Place) => Promise<FaultReport>;
}

/** How loud a fault may be for the person at Codex. */
export type Told = 'nothing' | 'reconnecting' | 'falling back';

/** The parts, started. Dispose it to end them. */
export class FaultStage implements AsyncDisposable {
  readonly codex: Codex;
  readonly proxy: FaultProxy;
  readonly #options: LongwireOptions;
  readonly #port: number;
  #server: Longwire;

  private constructor(options: LongwireOptions, server: Longwire, proxy: FaultProxy, codex: Codex) {
    this.#options = options;
    this.#server = server;
    this.#port = Number(new URL(server.baseUrl).port);
    this.proxy = proxy;
    this.codex = codex;
  }

  static async open({ folder, signal }: Place, setup: FaultSetup): Promise<FaultStage> {
    const options = { folder, signal, ...setup.server };
    const server = await startLongwire(options);
    const proxy = await FaultProxy.start(server.baseUrl, setup.plan);
    const endpoint = { ...server, baseUrl: proxy.baseUrl, env: { ...server.env, ...setup.env } };
    return new FaultStage(options, server, proxy, new Codex(folder, endpoint, setup.codex ?? {}, signal));
  }

  get server(): Longwire {
    return this.#server;
  }

  /** Ends the server as a supervisor does, and starts another one in its place. The exit code of the first. */
  async restart(): Promise<number | null> {
    const exitCode = await this.#server.stop();
    this.#server = await startLongwire({ ...this.#options, port: this.#port });
    return exitCode;
  }

  /** What must hold whatever the fault was. */
  checks(): Check[] {
    const strays = this.proxy.requests.filter(({ socket, isOwnChain }) => socket > 0 && !isOwnChain);
    const complaints = this.#server.newComplaints().filter((line) => !/"level":"warn"/.test(line));
    return [
      check('no chain crosses sockets', strays.length === 0, strays),
      check('the server complains of nothing', complaints.length === 0, complaints.join()),
    ];
  }

  /** Requests by socket, HTTP last: `warm`, `+n` for n items on a chain, `n` for a whole history. */
  traffic(): string {
    const sockets = Array.from({ length: this.proxy.opened }, (_, index) => index + 1);
    const lines = sockets.map((number) => describe(this.proxy.requests.filter(({ socket }) => socket === number)));
    const http = this.proxy.requests.filter(({ socket }) => socket === 0);
    return [...lines, ...(http.length > 0 ? [`http: ${describe(http)}`] : [])].join(' | ');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

function describe(requests: readonly SeenRequest[]): string {
  const words = requests.map(({ items, isWarmUp, previousResponseId }) =>
    isWarmUp ? 'warm' : `${previousResponseId === null ? '' : '+'}${items}`,
  );
  return words.length > 0 ? words.join(' ') : '–';
}

/** What Codex said of the transport. */
export function toldIn(text: string): Told {
  if (/falling back/i.test(text)) return 'falling back';
  return /reconnecting/i.test(text) ? 'reconnecting' : 'nothing';
}
