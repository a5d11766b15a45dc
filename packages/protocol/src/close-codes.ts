/** Close codes of the socket and what a client should do next (PROTOCOL.md, "Close codes"; dossier J.5). */

/** What a close code asks of the client. */
export type CloseAdvice = 'done' | 'reconnect' | 'terminal';

/** Every close code that Longwire sends. */
export const closeCodes = {
  /** The client asked for it. */
  normal: { code: 1000, advice: 'done', reason: '' },
  /** The connection is too old: open another one. */
  lifetime: { code: 1001, advice: 'reconnect', reason: 'connection limit reached' },
  /** The frame is not what the protocol allows. */
  policy: { code: 1008, advice: 'terminal', reason: 'policy violation' },
  /** The frame is larger than the limit. */
  tooLarge: { code: 1009, advice: 'terminal', reason: 'message too large' },
  /** We failed. */
  internal: { code: 1011, advice: 'reconnect', reason: 'internal error' },
  /** The process is going away. */
  restart: { code: 1012, advice: 'reconnect', reason: 'service restart' },
  /** The client does not read. */
  slowReader: { code: 1013, advice: 'reconnect', reason: 'client reads too slowly' },
  /** A newer socket goes on with this connection. */
  takenOver: { code: 4001, advice: 'terminal', reason: 'taken over by a newer socket' },
  /** An ordinal of the client is missing: a new socket can bring what is. */
  gap: { code: 4002, advice: 'reconnect', reason: 'a frame is missing' },
} as const satisfies Record<string, { code: number; advice: CloseAdvice; reason: string }>;

/** A name in the table above. */
export type CloseReason = keyof typeof closeCodes;

/** What a client should do after a close with this code, ours or another server's. */
export function adviceForCloseCode(code: number): CloseAdvice {
  if (code === 1000) return 'done';
  return [1001, 1005, 1006, 1011, 1012, 1013, 1015, closeCodes.gap.code].includes(code) ? 'reconnect' : 'terminal';
}
