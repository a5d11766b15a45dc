/** How a connection is, for whoever shows it. */

/**
 * `connecting`: a socket is being opened. `open`: turns run over a socket. `resuming`: the socket broke and is being taken up
 * where it broke. `replaying`: the server has lost a conversation and gets all of it again. `fallback`: turns run over HTTP with
 * server-sent events. `idle`: there is no socket; the next turn opens one. `waiting`: nothing can be reached, or the server asked to wait; `reason` says which. `closed`: for good.
 */
export type ConnectionState =
  | 'connecting'
  | 'open'
  | 'resuming'
  | 'replaying'
  | 'fallback'
  | 'idle'
  | 'waiting'
  | 'closed';

/** A change of state. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** For people; empty where there is nothing to say. */
  readonly reason: string;
  /** The lane that it is about; undefined where it is about all of them, null for the default lane. */
  readonly lane?: string | null;
}
