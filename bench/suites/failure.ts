/** What failures cost (G15): peers that vanish, readers that stall, lines that are cut. The link is a model (`delay-proxy.ts`). */
import { startChild } from '../child.ts';
import { countLosses, playOnBrokenLine, type EventLosses } from '../failure/cuts.ts';
import { measureDeadPeers } from '../failure/dead-peers.ts';
import { measureReconnect, type Reconnect } from '../failure/reconnects.ts';
import { measureStalledReaders } from '../failure/stalled-readers.ts';
import { shuffled, toFigure, type Figure } from '../figures.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Findings, SuiteOptions } from './suite.ts';

const model = 'stream-5';
/** More than any buffer on the way to a reader takes. */
const endless = 'stream-90000';
const rolloutName = 'airline-27';
/** Neither resumable connections nor idempotency keys: a server that forgets with the socket. */
const forgetful = ['--', '--resume-grace-ms', '0', '--idempotency-window-ms', '0'];
const roundTrips = [0, 20, 80] as const;
const [deadPeers, brokenRollouts, briefRounds] = [8, 8, 3];

/** A way to go on after a cut. */
const recoveries = [
  { id: 'resume', name: 'taken up again, 100k tokens', forgets: false, historyTokens: 100_000 },
  { id: 'resend', name: 'history of 3k tokens sent again', forgets: true, historyTokens: 3000 },
  { id: 'resend-long', name: 'history of 100k tokens sent again', forgets: true, historyTokens: 100_000 },
] as const;
type Recovery = (typeof recoveries)[number];

/** Runs the suite: most of a minute, waiting for peers that are gone. */
export async function measureFailures({ rounds, full, progress }: SuiteOptions): Promise<Findings> {
  await using alone = await startChild('./servers/longwire.ts', { args: ['--scripted', model] });
  // Waiting costs nothing and disturbs nobody: the rest is measured meanwhile.
  const peers = full ? 4 * deadPeers : deadPeers;
  const vanished = measureDeadPeers(alone.url, model, peers);
  // Told where it is awaited.
  vanished.catch(() => {});
  progress('failure: rollouts on a line that breaks');
  const cuts = await measureCuts(full ? 10 * brokenRollouts : brokenRollouts);
  const reconnects = await measureReconnects(full ? rounds : Math.min(rounds, briefRounds), progress);
  progress('failure: readers that stall');
  const stalled = await measureStalled();
  progress(`failure: ${peers} peers that are gone`);
  const deadMs = await vanished;
  return {
    figures: [
      toFigure(
        { id: 'failure.dead', name: 'from the last byte of a vanished peer to the end of its connection', unit: 's' },
        deadMs.map((ms) => ms / 1000),
      ),
      toFigure({ id: 'failure.dead.last', name: 'of the last of them', unit: 's' }, [Math.max(...deadMs) / 1000]),
      ...stalled,
      ...reconnects,
      ...cuts,
    ],
    plots: [],
    notes: ['Links of the failures are a model: round trips and congestion windows are counted, there is no TLS.'],
  };
}

/** Next to readers that may leave less waiting: the difference is what waits for them, the rest is what the turn holds anyway. */
async function measureStalled(): Promise<Figure[]> {
  await using engine = await startChild('./engine/main.ts', { args: [endless] });
  const measure = async (isResumable: boolean, flags: readonly string[] = []): Promise<number> => {
    const args = ['--engine', engine.url, '--models', endless, '--', ...flags];
    await using server = await startChild('./servers/longwire.ts', { args, tellsMemory: true });
    return (await measureStalledReaders(server, { model: `${endless}@session`, isResumable })) / 1024;
  };
  const least = await measure(false, ['--outbound-limit-bytes', '16384']);
  const held = await measure(false);
  const resumable = await measure(true);
  const floorName = 'the same with 16 KB at most waiting';
  return [
    toFigure({ id: 'failure.stalled', name: 'waiting for a reader that stalls', unit: 'KB' }, [held - least]),
    toFigure(
      { id: 'failure.stalled.turn', name: 'held for it, its unfinished turn included', unit: 'KB', floorName },
      [held],
      [least],
    ),
    toFigure(
      { id: 'failure.stalled.resumable', name: 'the same on a resumable connection', unit: 'KB', floorName },
      [resumable],
      [least],
    ),
  ];
}

async function measureReconnects(rounds: number, progress: SuiteOptions['progress']): Promise<Figure[]> {
  await using remembering = await startChild('./servers/longwire.ts', { args: ['--scripted', model] });
  await using forgetting = await startChild('./servers/longwire.ts', { args: ['--scripted', model, ...forgetful] });
  await using echo = await startChild('./servers/echo.ts');
  const figures: Figure[] = [];
  for (const rttMs of roundTrips) {
    const found = new Map<Recovery, Reconnect[]>(recoveries.map((recovery) => [recovery, []]));
    for (let round = 0; round <= rounds; round++) {
      progress(`failure: a cut at RTT ${rttMs} ms, round ${round} of ${rounds}${round === 0 ? ' (warm-up)' : ''}`);
      for (const recovery of shuffled(recoveries)) {
        const { url } = recovery.forgets ? forgetting : remembering;
        const { historyTokens } = recovery;
        const measured = await measureReconnect({ url, echoUrl: echo.url, model, rttMs, historyTokens });
        if (round > 0) found.get(recovery)?.push(measured);
      }
    }
    for (const [recovery, measured] of found) figures.push(...toReconnectFigures(recovery, rttMs, measured));
  }
  return figures;
}

/** In round trips, where there are any: what the cut added, beside what a new connection takes by itself. */
function toReconnectFigures({ id, name }: Recovery, rttMs: number, measured: readonly Reconnect[]): Figure[] {
  const [unit, unitMs] = rttMs === 0 ? (['ms', 1] as const) : (['RTT', rttMs] as const);
  const sent = measured.map(({ resentBytes }) => resentBytes / 1024);
  const title = `added by a cut at RTT ${rttMs} ms, ${name}`;
  return [
    toFigure(
      { id: `failure.${id}.${rttMs}`, name: title, unit, floorName: 'a new connection' },
      measured.map(({ extraMs }) => extraMs / unitMs),
      measured.map(({ handshakeMs }) => handshakeMs / unitMs),
    ),
    toFigure(
      { id: `failure.${id}.${rttMs}.beyond`, name: 'the same beyond the new connection', unit },
      measured.map(({ extraMs, handshakeMs }) => (extraMs - handshakeMs) / unitMs),
    ),
    ...(rttMs === 0
      ? [toFigure({ id: `failure.${id}.sent`, name: `sent after a cut, ${name}`, unit: 'KB' }, sent)]
      : []),
  ];
}

async function measureCuts(rollouts: number): Promise<Figure[]> {
  await using server = await startChild('./servers/longwire.ts', { args: ['--scripted', rolloutName] });
  const rollout = loadWorkload(rolloutName);
  const whole = (await playOnBrokenLine(server.url, rollout, null)).seen;
  const losses: EventLosses[] = [];
  let faults = 0;
  for (let seed = 1; seed <= rollouts; seed++) {
    const played = await playOnBrokenLine(server.url, rollout, seed);
    faults += played.faults;
    losses.push(countLosses(played.seen, whole));
  }
  const sum = (of: keyof EventLosses) => losses.reduce((total, each) => total + each[of], 0);
  const events = rollouts * whole.flat().length;
  const over = `of ${events.toLocaleString('en')}, over ${faults} faults on the line`;
  return [
    toFigure({ id: 'failure.lost', name: `events lost, ${over}`, unit: '' }, [sum('lost')]),
    toFigure({ id: 'failure.doubled', name: `events that came twice, ${over}`, unit: '' }, [sum('doubled')]),
  ];
}
