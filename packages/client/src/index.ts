/** A client that keeps a Responses API socket and its lanes. Runs in Node, browsers and workers. */
export { connect, type ConnectOptions, type Connection } from './connection.ts';
export { ConnectError, ConnectionLostError, ResponsesError, type ConnectionLoss } from './errors.ts';
export type { Lane, LaneRequest, TurnOptions } from './lane.ts';
export type { TurnStream } from './turn-stream.ts';
