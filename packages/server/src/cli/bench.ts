/** `longwire bench`: what a turn takes on any server of the Responses API, in the ways in which clients talk to it. */
import type { Item } from '@longwire/protocol';
import { benchModeNames, openDriver, type BenchMode, type TurnTimes } from './bench-driver.ts';
import { benchOptionsHelp, parseBenchOptions, type BenchCommandOptions } from './bench-options.ts';
import { toBenchTable, type ModeTimes } from './bench-table.ts';
import type { Command } from './command.ts';
import type { Io } from './io.ts';

/** A conversation that every model can hold, and that grows by as much in each mode. */
const questions = ['Name a colour.', 'Another one.', 'And one more.', 'Which of them is the darkest?', 'Say it again.'];

export const bench: Command = {
  name: 'bench',
  summary: 'compare HTTP and WebSocket turns on any server of the Responses API',
  examples: [
    { line: 'longwire bench --target http://127.0.0.1:8787/v1 --model tiny-demo', about: 'your own server' },
    {
      line: 'longwire bench --target https://api.openai.com/v1 --api-key env:OPENAI_API_KEY --model MODEL --turns 20',
      about: 'a hosted one; it bills the tokens',
    },
  ],
  optionsHelp: benchOptionsHelp,

  async run(argv, env, io) {
    const options = parseBenchOptions(argv, env);
    const results: ModeTimes[] = options.modes.map((mode) => ({ mode, turns: [], failure: null }));
    for (let round = 0; round < options.rounds; round++) {
      for (const result of results) {
        if (result.failure !== null) continue;
        if (io.err.isTerminal)
          io.err.write(`\r\u001B[K${benchModeNames[result.mode]}: ${round + 1} of ${options.rounds}`);
        await converse(options, result.mode, result.turns).catch((error: unknown) => {
          // One mode that a server lacks does not end the comparison of the others.
          result.failure = error instanceof Error ? error.message : String(error);
        });
      }
    }
    if (io.err.isTerminal) io.err.write('\r\u001B[K');
    io.out.write(toBenchTable(results));
    return tellFailures(results, io);
  },
};

async function converse(options: BenchCommandOptions, mode: BenchMode, turns: TurnTimes[]): Promise<void> {
  const target = { url: options.target, apiKey: options.apiKey };
  const conversation = { model: options.model, instructions: 'Answer in one short sentence.', tools: [] };
  const driver = await openDriver(mode, target, conversation);
  try {
    for (let turn = 0; turn < options.turns; turn++) turns.push(await driver.turn([toMessage(turn)]));
  } finally {
    driver.close();
  }
}

function toMessage(turn: number): Item {
  const text = questions[turn % questions.length] ?? '';
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } as Item;
}

/** 0 when every mode went through, 1 otherwise. */
function tellFailures(results: readonly ModeTimes[], io: Io): number {
  const failed = results.filter(({ failure }) => failure !== null);
  for (const { mode, failure } of failed) io.err.write(`longwire: ${mode} failed: ${failure}\n`);
  return failed.length > 0 ? 1 : 0;
}
