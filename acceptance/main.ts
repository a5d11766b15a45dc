/**
 * `npm run acceptance`: unmodified clients against a Longwire server, for real: the Codex CLI, then Codex, `longwire chat` and
 * openai-python on lines that break. `npm run acceptance -- WORD` plays only the faults that have this word in their name.
 * No part of CI: it installs Codex once (about 400 MB) into an ignored folder. Exit code 1 when any check does not hold.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, renderChecks } from './checks.ts';
import type { Check } from './checks.ts';
import { codexVersion, installCodex } from './codex.ts';
import type { Place } from './fault-stage.ts';
import { faults, playFaults, renderFaults } from './faults.ts';
import { startLongwire } from './longwire.ts';
import { installOpenaiPython, openaiPythonFaults } from './openai-python.ts';
import { scenarios } from './scenarios.ts';

// Left to end by itself, Node 24.21 was seen to spin for ever over the handles of a closed socket.
process.exit(await run());

async function run(): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  const folder = mkdtempSync(join(tmpdir(), 'longwire-acceptance-'));
  try {
    installCodex(say);
    say(`Codex ${codexVersion}, Longwire from this working tree\n`);
    const place = { folder, signal: interrupted.signal };
    const word = process.argv[2];
    let failed = word === undefined ? await runScenarios(place) : 0;
    const hasPython = installOpenaiPython();
    if (!hasPython) say('openai-python is left out: pip does not have it here.\n');
    const known = hasPython ? [...faults, ...openaiPythonFaults] : faults;
    const chosen = known.filter(({ fault }) => fault.includes(word ?? ''));
    say(
      `Faults (${chosen.length}): expected, seen\n  requests by socket, HTTP last: +n has n items on a chain, n is a whole history`,
    );
    const results = await playFaults(chosen, place);
    say(`${renderFaults(results)}\n`);
    if (interrupted.signal.aborted) return 130;
    failed += countBroken(results.flatMap(({ checks }) => checks));
    say(failed === 0 ? 'All checks hold.' : `${failed} checks do not hold.`);
    return failed === 0 ? 0 : 1;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return interrupted.signal.aborted ? 130 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function runScenarios({ folder, signal }: Place): Promise<number> {
  await using server = await startLongwire({ folder, signal });
  let failed = 0;
  for (const [index, { title, run: play }] of scenarios.entries()) {
    const own = join(folder, String(index));
    mkdirSync(own);
    const stage = { server, folder: own, signal };
    const checks = await play(stage).catch((error: unknown) => [check('it ran to its end', false, String(error))]);
    say(renderChecks(title, checks));
    failed += countBroken(checks);
    if (signal.aborted) break;
  }
  return failed;
}

function countBroken(checks: readonly Check[]): number {
  return checks.filter(({ holds }) => !holds).length;
}

function say(text: string): void {
  console.log(text);
}
