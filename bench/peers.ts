/** `npm run bench:peers`: Longwire beside other servers of the Responses API, in the same rounds (G16). */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';
import { describeMachine } from './machine.ts';
import { judgePeers } from './peers/comparison.ts';
import { installPeer } from './peers/install.ts';
import { createLongwire } from './peers/longwire.ts';
import { parsePeerOptions, usage, type PeerOptions } from './peers/options.ts';
import type { Peer } from './peers/peer.ts';
import { playRounds, type Programme } from './peers/rounds.ts';
import { servePeer, type Served } from './peers/served.ts';
import { toFailures, toNotes, toPeerTable } from './peers/table.ts';
import { createProgress } from './report/progress.ts';
import { toGoalTable } from './report/table.ts';
import { loadWorkload } from './workloads/load.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.peers');
const homes = join(cache, 'homes');
const programme: Programme = {
  rollout: loadWorkload('coding-170-brief'),
  early: { first: 0, count: 24 },
  late: { first: 150, count: 20 },
  stream: loadWorkload('stream-2000'),
  streams: 20,
};

async function run({ peers, rounds, jsonPath, keep }: PeerOptions): Promise<void> {
  if (process.platform !== 'linux') throw new Error('Only Linux tells what the processes of a peer use.');
  const progress = createProgress(process.stderr);
  await using servers = new AsyncDisposableStack();
  const models = [programme.rollout.name, programme.stream.name];
  const engine = servers.use(await startChild('./engine/main.ts', { args: models }));
  const started: { peer: Peer; served: Served }[] = [];
  const missing: { title: string; why: string }[] = [];
  servers.defer(() => {
    if (!keep) rmSync(homes, { recursive: true, force: true });
  });
  rmSync(homes, { recursive: true, force: true });
  const wires = [...new Set(peers.map(({ wire }) => wire))];
  for (const peer of [...wires.map(createLongwire), ...peers]) {
    try {
      progress.say(`${peer.title}: installing, if need be, and starting`);
      const folder = peer.package === null ? root : await installPeer(peer, cache);
      const where = { folder, home: join(homes, peer.name), engine: `${engine.url}/v1`, models };
      started.push({ peer, served: servers.use(await servePeer(peer, where)) });
    } catch (error) {
      missing.push({ title: peer.title, why: (error as Error).message });
    }
  }
  const outcomes = await playRounds(started, engine.url, programme, rounds, progress.say);
  progress.end();
  const goals = judgePeers(outcomes);
  const failures = toFailures(missing, outcomes);
  process.stdout.write(`${toPeerTable(outcomes)}\n\n${toGoalTable(goals)}\n\n${toNotes(outcomes)}\n`);
  if (failures !== '') process.stdout.write(`\n${failures}\n`);
  if (jsonPath === null) return;
  const told = outcomes.map(({ peer, ...rest }) => ({
    peer: peer.name,
    package: peer.package,
    wire: peer.wire,
    ...rest,
  }));
  const report = { machine: describeMachine(), at: new Date().toISOString(), outcomes: told, missing, goals };
  writeFileSync(jsonPath, `${JSON.stringify(report, null, 2)}\n`);
}

// An interrupt ends the servers too: they go when the process exits.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  const options = parsePeerOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(usage);
  else await run(options);
} catch (error) {
  process.stderr.write(`bench:peers: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
