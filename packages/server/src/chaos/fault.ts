/** What can go wrong on a connection, and how it is written on a command line. */

/** `up`: from the client to the server. */
export type Direction = 'up' | 'down';

/** Where a frame is. Ping, pong and close frames are not counted: they come by the clock, and a plan must mean the same each time. */
export interface Place {
  /** Counts the upgrades from 1. */
  readonly connection: number;
  readonly direction: Direction;
  /** Counts the data frames of that direction from 1. */
  readonly frame: number;
}

/**
 * What happens at a frame. All but `delay` and `duplicate` end the use of the connection.
 *
 * * `cut`: a FIN to both sides; `reset`: an RST to both; `close`: the client gets a close frame, the server a FIN.
 *   The frame itself is lost, or with `after` it still arrives.
 * * `truncate`: half of the frame arrives, then a cut.
 * * `stall`: nothing passes any more, in neither direction, not even the end of a side: a black hole.
 * * `delay`: the frame and what follows it in its direction wait.
 * * `duplicate`: the frame arrives twice.
 */
export type Fault =
  | Break
  | { readonly kind: 'truncate' | 'duplicate' }
  | { readonly kind: 'delay'; readonly ms: number };

/** Faults that can also happen between two frames. */
export type Break =
  | { readonly kind: 'cut' | 'reset'; readonly after: boolean }
  | { readonly kind: 'close'; readonly after: boolean; readonly code: number }
  | { readonly kind: 'stall' };

/** The words of a fault: all that `--kinds` takes. */
export const faultWords = [
  'cut',
  'cut-after',
  'reset',
  'reset-after',
  'close',
  'close-after',
  'truncate',
  'stall',
  'duplicate',
  'delay',
] as const;

export type FaultWord = (typeof faultWords)[number];

const defaultDelayMs = 500;
const defaultCloseCode = 1012;

/** A fault as its word says, with its number where it has one: milliseconds of a delay, code of a close. Null for a bad number. */
export function toFault(word: FaultWord, number: number | null): Fault | null {
  switch (word) {
    case 'cut':
    case 'cut-after':
      return number === null ? { kind: 'cut', after: word === 'cut-after' } : null;
    case 'reset':
    case 'reset-after':
      return number === null ? { kind: 'reset', after: word === 'reset-after' } : null;
    case 'close':
    case 'close-after': {
      const code = number ?? defaultCloseCode;
      return isCloseCode(code) ? { kind: 'close', after: word === 'close-after', code } : null;
    }
    case 'truncate':
    case 'stall':
    case 'duplicate':
      return number === null ? { kind: word } : null;
    case 'delay':
      return { kind: 'delay', ms: number ?? defaultDelayMs };
  }
}

/** A fault at its place as `--fault` takes it: `cut@1.down.12`, `delay:500@2.up.3`. */
export function formatFault(fault: Fault, { connection, direction, frame }: Place): string {
  const after = 'after' in fault && fault.after ? '-after' : '';
  const number = fault.kind === 'close' ? `:${fault.code}` : fault.kind === 'delay' ? `:${fault.ms}` : '';
  return `${fault.kind}${after}${number}@${connection}.${direction}.${frame}`;
}

/** Codes that may stand in a close frame (RFC 6455, 7.4). */
function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}
