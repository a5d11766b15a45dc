/** What one connection may use (dossier E, I). Every number is an option of the server. */
export interface ConnectionLimits {
  /** Distinct `stream_id`s over the life of a connection. */
  readonly maxLanes: number;
  /** Responses that run at once. */
  readonly maxInFlight: number;
  /** Requests that wait, over all lanes. */
  readonly maxQueued: number;
  /** Steers that may wait for one response. */
  readonly maxPendingSteers: number;
}
