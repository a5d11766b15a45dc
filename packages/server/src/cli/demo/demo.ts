/** `longwire demo`: what WebSocket mode is worth, in one screen; and an agent at work on it. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRollout } from '../../workloads/rollouts.ts';
import { wrap } from '../columns.ts';
import type { Command } from '../command.ts';
import type { Io } from '../io.ts';
import { untilStopped } from '../until-stopped.ts';
import { demoOptionsHelp, parseDemoOptions, type RaceSettings } from './options.ts';
import { toDemoPage } from './page.ts';
import { createPainter } from './painter.ts';
import { Race } from './race.ts';
import { repair } from './repair.ts';
import { screenColumns, screenRows, toProgressLine, toScreen } from './screen.ts';
import { toNotes, toSavings, toSummary } from './summary.ts';

const screenEveryMs = 100;
const lineEveryMs = 2000;

export const demo: Command = {
  name: 'demo',
  summary: 'one rollout over HTTP and over a WebSocket, side by side; or an agent at work',
  examples: [
    { line: 'longwire demo', about: 'a recorded rollout, then a longer one of a coding agent: under a minute' },
    { line: 'longwire demo --rollouts airline-27 --rtt-ms 150', about: 'the recorded one, with a server far away' },
    {
      line: 'longwire demo --rollouts coding-30 --rate 200',
      about: 'with a slower model, which is then what you wait for',
    },
    { line: 'longwire demo --agent', about: 'the built-in model repairs a file, call by call' },
  ],
  optionsHelp: demoOptionsHelp,

  async run(argv, env, io) {
    const options = parseDemoOptions(argv);
    const colour = io.out.isTerminal && !env['NO_COLOR'];
    return await untilStopped(io, async (signal) => {
      if (options.kind === 'race') return runRaces(options, colour, io, signal);
      const view = { out: io.out, colour, nowMs: () => io.elapsedMs() };
      return (await repair({ ...view, maxSteps: options.maxSteps }, signal)) ? 0 : 1;
    });
  },
};

async function runRaces(settings: RaceSettings, colour: boolean, io: Io, signal: AbortSignal): Promise<void> {
  const { rollouts, htmlPath } = settings;
  const races: Race[] = [];
  for (const [index, name] of rollouts.entries()) {
    const race = new Race({ ...settings, rollout: loadRollout(name) });
    await show(race, `${index + 1} of ${rollouts.length}`, colour, io, signal);
    io.out.write(`\n${toSummary(race)}\n\n`);
    races.push(race);
  }
  for (const text of [...races.map(toSavings), ...toNotes(settings)]) {
    io.out.write(`${wrap(text, screenColumns).join('\n')}\n\n`);
  }
  const path = htmlPath ?? join(mkdtempSync(join(tmpdir(), 'longwire-demo-')), 'demo.html');
  writeFileSync(path, toDemoPage(races, toNotes(settings)));
  io.out.write(`Turn by turn: ${path}\n`);
}

/** Runs a race before the eyes of whoever watches. */
async function show(race: Race, place: string, colour: boolean, { out }: Io, signal: AbortSignal): Promise<void> {
  const { columns, rows } = out.size ?? { columns: 0, rows: 0 };
  if (columns < screenColumns || rows <= screenRows) {
    const say = (): void => void (race.elapsedMs > 0 && out.write(`${toProgressLine(race)}\n`));
    const timer = setInterval(say, lineEveryMs);
    await race.run(signal).finally(() => clearInterval(timer));
    return;
  }
  const painter = createPainter(out);
  const draw = (): void => painter.draw(toScreen(race, place, colour));
  const timer = setInterval(draw, screenEveryMs);
  try {
    draw();
    await race.run(signal);
    draw();
  } finally {
    clearInterval(timer);
    painter.end();
  }
}
