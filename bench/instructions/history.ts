/**
 * Whether a turn costs more behind a longer history (O2, G2), in instructions of the baseline compiler: in optimised code two phases of the same
 * work differ by more than what is looked for.
 */
import type { Item } from '@longwire/protocol';
import { openDriver, type Driver } from '../../packages/server/src/cli/bench-driver.ts';
import { median } from '../figures.ts';
import { startCounted, type CountedServer } from './callgrind.ts';
import { countPhases, repeat } from './measure.ts';

/** Late turns over early ones: 1 where a turn costs its delta. */
export interface HistoryFactors {
  /** A turn behind 1.3 MB of history, over the same turn behind 0.3 MB. */
  readonly historyFactor: number;
  /** A turn of an engine of token ids behind 500,000 tokens of history, over one behind 10,000. */
  readonly tokenHistoryFactor: number;
}

const chatModel = 'stream-10';
const tokenModel = 'tokens';
/** Phases of baseline code hardly differ: a few are enough. */
const counted = { turns: 15, count: 3 };
/** Tokens of history of the engine of token ids. */
const [shortHistory, longHistory] = [10_000, 500_000];
/** 4 KB, as a tool reads. */
const page = 'A line of a file that a tool has read.\n'.repeat(110);

/** Counts both. */
export async function countHistoryFactors(): Promise<HistoryFactors> {
  const args = ['--scripted', chatModel, '--tokens', tokenModel];
  await using server = await startCounted('servers/longwire.ts', args, 'plain');
  return { historyFactor: await countHistory(server), tokenHistoryFactor: await countTokenHistory(server) };
}

/** The same turn over and over on one chain. */
async function countHistory(server: CountedServer): Promise<number> {
  const driver = await open(server, chatModel);
  const play = (turns: number) => repeat(turns, () => driver.turn([toQuestion(page)]));
  const early = median(await countPhases(server, play, { warm: 40, ...counted }));
  const late = median(await countPhases(server, play, { warm: 200, ...counted }));
  driver.close();
  return late / early;
}

/** The same turn on two chains of an engine of token ids. */
async function countTokenHistory(server: CountedServer): Promise<number> {
  const [short, long] = [await countBehind(server, shortHistory), await countBehind(server, longHistory)];
  return long / short;
}

async function countBehind(server: CountedServer, tokens: number): Promise<number> {
  const driver = await open(server, tokenModel);
  // A token of that engine has four characters.
  await driver.turn([toQuestion('word'.repeat(tokens))]);
  const play = (turns: number) => repeat(turns, () => driver.turn([toQuestion('And?')]));
  const counts = await countPhases(server, play, { warm: 60, ...counted });
  driver.close();
  return median(counts);
}

function open(server: CountedServer, model: string): Promise<Driver> {
  return openDriver('ws-delta', { url: server.url }, { model, instructions: '', tools: [] });
}

function toQuestion(text: string): Item {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
}
