/** How often the extensions of PROTOCOL.md 11 came into play since the start of the process. */

/** Counters; they only grow. */
export interface ExtensionCounts {
  /** Connections that lost their socket and waited. */
  detached: number;
  /** Sockets that went on with a connection. */
  resumed: number;
  /** Connections for which nobody came in time. */
  expired: number;
  /** Sockets whose token was unknown, foreign or too late. */
  refused: number;
  /** Requests that were answered with the turn that another one with the same idempotency key had begun. */
  attached: number;
}

/** All at zero. */
export function createExtensionCounts(): ExtensionCounts {
  return { detached: 0, resumed: 0, expired: 0, refused: 0, attached: 0 };
}
