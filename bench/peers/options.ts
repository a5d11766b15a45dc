/** The command line of `npm run bench:peers`. */
import { parseArgs } from 'node:util';
import { peers } from './catalogue.ts';
import type { Peer } from './peer.ts';

/** What was asked for. */
export interface PeerOptions {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly jsonPath: string | null;
  /** Whether the folders of the run stay: configurations, databases and logs of the peers. */
  readonly keep: boolean;
}

export const usage = `npm run bench:peers -- [--peers ${peers.map(({ name }) => name).join(',')}] [--rounds 5] [--json FILE] [--keep]

Measures Longwire beside other servers of the Responses API, in the same rounds, in front of the same engine. Each peer is installed from npm
at a fixed version into .peers/, with its install scripts, and runs there with a home folder of its own.

  --peers LIST   who takes part [all]
  --rounds N     interleaved rounds, each in another order [5]
  --json FILE    every figure of every round
  --keep         leave the homes of the peers in .peers/homes: their configurations and logs

Wants Linux, and the npm registry the first time.
`;

/** Throws an `Error` in a sentence for a command line that is none; null when help was asked for. */
export function parsePeerOptions(argv: readonly string[]): PeerOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      peers: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds needs a whole number above 0.');
  return {
    peers: values.peers === undefined ? peers : [...new Set(values.peers.split(','))].map(toPeer),
    rounds,
    jsonPath: values.json ?? null,
    keep: values.keep,
  };
}

function toPeer(word: string): Peer {
  const found = peers.find(({ name }) => name === word);
  if (!found) throw new Error(`There is no peer ${word}: choose among ${peers.map(({ name }) => name).join(', ')}.`);
  return found;
}
