/** `npm run bench`: what Longwire adds to a turn, to an event and to a connection, and what a whole rollout gains. */
import { writeFileSync } from 'node:fs';
import { describeMachine } from './machine.ts';
import { parseOptions, usage, type BenchOptions, type SuiteName } from './options.ts';
import { judgeGoals } from './report/goals.ts';
import { toPage } from './report/page.ts';
import { createProgress } from './report/progress.ts';
import { toGoalTable, toTable } from './report/table.ts';
import type { Report } from './report/report.ts';
import { measureEvents } from './suites/events.ts';
import { measureFailures } from './suites/failure.ts';
import { measureInstructions } from './suites/instructions.ts';
import { measureMemory } from './suites/memory.ts';
import { measurePrompts } from './suites/prompt.ts';
import { measureRollouts } from './suites/rollouts.ts';
import type { Findings, SuiteOptions } from './suites/suite.ts';
import { measureTurns } from './suites/turns.ts';
import { measureWarmUps } from './suites/warm-up.ts';

const suites: Readonly<Record<SuiteName, (options: SuiteOptions) => Promise<Findings>>> = {
  turns: measureTurns,
  events: measureEvents,
  memory: measureMemory,
  instructions: measureInstructions,
  rollouts: measureRollouts,
  prompt: measurePrompts,
  'warm-up': measureWarmUps,
  failure: measureFailures,
};

async function run({ suites: names, rounds, full, scenes, jsonPath, htmlPath }: BenchOptions): Promise<void> {
  const progress = createProgress(process.stderr);
  const findings: Findings[] = [];
  for (const name of names) findings.push(await suites[name]({ rounds, full, scenes, progress: progress.say }));
  progress.end();
  const figures = findings.flatMap((each) => each.figures);
  const report: Report = {
    machine: describeMachine(),
    at: new Date().toISOString(),
    figures,
    plots: findings.flatMap((each) => each.plots),
    notes: findings.flatMap((each) => each.notes),
    goals: judgeGoals(figures),
  };
  process.stdout.write(`${toTable(figures)}\n\n${toGoalTable(report.goals)}\n`);
  for (const note of report.notes) process.stdout.write(`\n${note}\n`);
  if (jsonPath !== null) writeFileSync(jsonPath, `${JSON.stringify(report, null, 2)}\n`);
  if (htmlPath !== null) writeFileSync(htmlPath, toPage(report));
}

// An interrupt, or an end, takes the servers and the link along: they go when the process exits.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(usage);
  else await run(options);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
