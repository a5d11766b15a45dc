/** Agents that a model runs beside itself: the hosted multi-agent beta (dossier Q.1). */
import { type Static, Type } from '../schema.ts';

const MultiAgentAction = Type.Enum([
  'spawn_agent',
  'interrupt_agent',
  'list_agents',
  'send_message',
  'followup_task',
  'wait_agent',
]);

/** What one agent told another. */
export const AgentMessageItem = Type.Object({
  type: Type.Literal('agent_message'),
  id: Type.Maybe(Type.String()),
  author: Type.String(),
  recipient: Type.String(),
  content: Type.Array(Type.Unknown()),
});
export type AgentMessageItem = Static<typeof AgentMessageItem>;

/** What a model wants of its agents. */
export const MultiAgentCallItem = Type.Object({
  type: Type.Literal('multi_agent_call'),
  id: Type.Maybe(Type.String()),
  call_id: Type.String(),
  action: MultiAgentAction,
  arguments: Type.String(),
});
export type MultiAgentCallItem = Static<typeof MultiAgentCallItem>;

/** What came of it. */
export const MultiAgentCallOutputItem = Type.Object({
  type: Type.Literal('multi_agent_call_output'),
  id: Type.Maybe(Type.String()),
  call_id: Type.String(),
  action: MultiAgentAction,
  output: Type.Array(Type.Unknown()),
});
export type MultiAgentCallOutputItem = Static<typeof MultiAgentCallOutputItem>;
