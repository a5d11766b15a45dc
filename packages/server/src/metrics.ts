/** The composition root's part for metrics: who counts, and where the rest is read when somebody asks. */
import { stat } from 'node:fs/promises';
import { version } from './cli/version.ts';
import type { Config } from './config/config.ts';
import type { Router } from './engine/router.ts';
import type { ExtensionCounts } from './observe/extension-counts.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Snapshot, SocketCounts } from './observe/snapshot.ts';
import { listenForScrapes, type Scrapes } from './transport/scrapes.ts';
import type { Sessions } from './transport/sessions.ts';
import type { BackgroundRuns } from './turn/background.ts';

/** What a snapshot is read from. */
export interface House {
  readonly sessions: Sessions;
  readonly socketCounts: SocketCounts;
  readonly extensionCounts: ExtensionCounts;
  readonly background: BackgroundRuns;
  readonly router: Router;
  /** Null without a file. */
  readonly storePath: string | null;
}

/** Who counts; null where nobody asks. The library is loaded only then. */
export async function createMetrics({ metrics: { listen, byProject } }: Config): Promise<Metrics | null> {
  if (!listen) return null;
  const { Metrics } = await import('./observe/metrics.ts');
  return new Metrics({ byProject, version, now: () => performance.now() });
}

/** Listens where the configuration says. Throws what `listenForScrapes` throws. */
export async function openScrapes(
  { metrics: { listen } }: Config,
  metrics: Metrics | null,
  house: House,
  log: Log,
): Promise<Scrapes | null> {
  if (!listen || !metrics) return null;
  return listenForScrapes(
    listen,
    async () => ({ contentType: metrics.contentType, text: await metrics.write(await readHouse(house)) }),
    (error) => log.warn({ error }, 'The metrics could not be read.'),
  );
}

async function readHouse(house: House): Promise<Snapshot> {
  const { sessions, background, router, storePath, socketCounts, extensionCounts } = house;
  const storeBytes = storePath === null ? 0 : await bytesOf(storePath);
  return {
    sockets: sessions.reading(),
    socketCounts,
    extensionCounts,
    background: background.reading(),
    engines: router.reading(),
    storeBytes,
  };
}

/** Of the file and of what SQLite puts beside it. */
async function bytesOf(path: string): Promise<number> {
  const sizes = await Promise.all(
    ['', '-wal', '-shm'].map((suffix) =>
      stat(path + suffix).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
