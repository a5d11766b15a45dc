/** The command line of `longwire chaos`. */
import { faultWords, toFault } from '../chaos/fault.ts';
import type { FaultWord } from '../chaos/fault.ts';
import type { Plan, PlannedFault, PlannedRefusal, RandomFaults } from '../chaos/plan.ts';
import { suggestionFor } from '../config/suggest.ts';
import { UsageError } from '../config/usage-error.ts';
import { optionLines, readOptions, toCount, toTarget } from './option-table.ts';

/** What `longwire chaos` was asked to do. */
export interface ChaosCommandOptions {
  readonly target: URL;
  /** 0: a free one. */
  readonly listen: number;
  readonly plan: Plan;
}

const defaultKinds: readonly FaultWord[] = ['cut', 'reset', 'truncate', 'duplicate', 'delay'];
const randomOptions = ['seed', 'kinds', 'times'] as const;

const table = {
  target: { argument: 'URL', about: 'base URL of the server, such as http://127.0.0.1:8787/v1 (needed)' },
  listen: { argument: 'PORT', about: 'port on loopback, 0 for a free one [8788]' },
  fault: { argument: 'FAULT@PLACE', about: 'what goes wrong, and where; may be given several times', repeatable: true },
  probability: { argument: 'P', about: 'of a fault at each frame, from 0 to 1, in place of chosen ones' },
  kinds: { argument: 'LIST', about: `faults to draw from [${defaultKinds.join(',')}]` },
  times: { argument: 'N', about: 'drawn faults after which everything passes [1]' },
  seed: { argument: 'N', about: 'the same seed draws the same faults [1]' },
} as const;

const maxCount = 1_000_000;

/** The section on options in `longwire chaos --help`. */
export function chaosOptionsHelp(): string {
  return [
    'Options',
    ...optionLines(table),
    '',
    'A place is CONNECTION.DIRECTION.FRAME: connections count from 1 as they are opened (left out: the first), the',
    'direction is up (to the server) or down, frames count from 1. Ping, pong and close frames are not counted.',
    '',
    'Faults',
    '  cut, reset               both sides get a FIN, or an RST; the frame is lost',
    '  close:CODE               the client gets a close frame, the server a FIN; the frame is lost [1012]',
    '  cut-after, reset-after, close-after:CODE',
    '                           the same once the frame has passed',
    '  truncate                 half of the frame passes, then a cut',
    '  stall                    nothing passes any more, in neither direction',
    '  delay:MS                 the frame and those behind it wait [500]',
    '  duplicate                the frame passes twice',
    '  refuse:STATUS@CONNECTION the upgrade is answered with an HTTP error [503]',
    '',
    'Connections without a fault, and plain HTTP, pass as they are. At its end it tells what happened, and the options',
    'that make it happen again.',
    '',
  ].join('\n');
}

/** Throws a usage error that names the option. */
export function parseChaosOptions(argv: readonly string[]): ChaosCommandOptions {
  const values = readOptions('chaos', table, argv);
  const faults: PlannedFault[] = [];
  const refusals: PlannedRefusal[] = [];
  for (const word of values.get('fault')?.split(',') ?? []) {
    const refusal = parseRefusal(word);
    if (refusal === null) faults.push(parsePlannedFault(word));
    else refusals.push(refusal);
  }
  const random = values.has('probability') ? toRandom(values) : null;
  if (random === null) {
    const stray = randomOptions.find((name) => values.has(name));
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --probability only.`);
  }
  const listen = toCount('listen', values.get('listen') ?? '8788', 0, 65_535);
  return { target: toTarget(values.get('target')), listen, plan: { faults, refusals, random } };
}

function toRandom(values: ReadonlyMap<keyof typeof table, string>): RandomFaults {
  const probability = Number(values.get('probability'));
  if (!(probability > 0 && probability <= 1)) throw new UsageError('--probability needs a number above 0, up to 1.');
  return {
    seed: toCount('seed', values.get('seed') ?? '1', 0, maxCount),
    probability,
    kinds: values.get('kinds')?.split(',').map(toFaultWord) ?? defaultKinds,
    times: toCount('times', values.get('times') ?? '1', 1, maxCount),
  };
}

/** Null for a fault of another kind. */
function parseRefusal(word: string): PlannedRefusal | null {
  if (!/^refuse\b/.test(word)) return null;
  const [, status = '503', connection = ''] = /^refuse(?::([45]\d\d))?@([1-9]\d{0,6})$/.exec(word) ?? [];
  if (connection === '') throw new UsageError('--fault refuse:STATUS@CONNECTION, as in refuse:503@2.');
  return { status: Number(status), connection: Number(connection) };
}

const placed = /^([a-z-]+)(?::(\d{1,9}))?@(?:([1-9]\d{0,6})\.)?(up|down)\.([1-9]\d{0,8})$/;

function parsePlannedFault(word: string): PlannedFault {
  const [, name, number, connection = '1', direction, frame] = placed.exec(word) ?? [];
  if (name === undefined) {
    throw new UsageError(
      `--fault needs FAULT@PLACE, as in cut@down.12 or delay:500@2.up.3, but got '${word.slice(0, 64)}'.`,
    );
  }
  const fault = toFault(toFaultWord(name), number === undefined ? null : Number(number));
  if (fault === null) throw new UsageError(`--fault ${name} does not go with :${number}. See longwire chaos --help.`);
  const at = {
    connection: Number(connection),
    direction: direction === 'up' ? 'up' : 'down',
    frame: Number(frame),
  } as const;
  return { fault, at };
}

function toFaultWord(name: string): FaultWord {
  const word = faultWords.find((each) => each === name);
  if (word !== undefined) return word;
  throw new UsageError(`There is no fault ${name}.${suggestionFor(name, faultWords)} See longwire chaos --help.`);
}
