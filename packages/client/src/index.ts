/** A client whose lanes survive cuts, restarts and rotation. Runs in Node, Bun, Deno, browsers and workers. */
export type { JsonSchema, ValueOf } from './agent/arguments.ts';
export type { Continuation, StopReason } from './agent/loop.ts';
export { runTools, type RunEvent, type RunResult, type RunToolsOptions, type ToolRun } from './agent/run-tools.ts';
export {
  tool,
  type Approve,
  type CallOutcome,
  type CallResult,
  type RunnableTool,
  type ToolCall,
  type ToolContext,
} from './agent/tool.ts';
export { connect, type Connection } from './connection.ts';
export {
  ConnectError,
  ConnectionLostError,
  HistoryLostError,
  ResponsesError,
  TurnTimeoutError,
  UnreadEventsError,
  type ConnectionLoss,
  type TurnLimit,
  type TurnProgress,
} from './errors.ts';
export { createFetch, type FetchOptions, type SocketFetch } from './fetch/create-fetch.ts';
export type { SpillStore } from './chain-memory.ts';
export type { Lane, TurnOptions } from './lane.ts';
export { createNetworkMemory, type NetworkMemory } from './network-memory.ts';
export type { ConnectOptions, MemoryOptions, RetryPolicy, Timeouts } from './options.ts';
export type { LaneRequest } from './outgoing-request.ts';
export type { WebSocketFactory, WebSocketLike } from './socket.ts';
export type { ConnectionState, ConnectionStatus } from './status.ts';
export type { RequiredInput, Steering, SteerOutcome } from './steering.ts';
export type { TurnStream } from './turn-stream.ts';
