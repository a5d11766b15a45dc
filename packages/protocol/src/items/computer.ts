/** Actions on a screen that the client carries out, and the screenshots that it sends back. */
import { extend, type Static, Type } from '../schema.ts';
import { made, replayed } from './item.ts';

const point = { x: Type.Number(), y: Type.Number() };
const keys = Type.Maybe(Type.Array(Type.String()));

/** One action on the screen. Coordinates are pixels. */
export const ComputerAction = Type.Union([
  Type.Object({
    type: Type.Literal('click'),
    button: Type.Enum(['left', 'right', 'wheel', 'back', 'forward']),
    ...point,
    keys,
  }),
  Type.Object({ type: Type.Literal('double_click'), ...point, keys: Type.Nullable(Type.Array(Type.String())) }),
  Type.Object({ type: Type.Literal('drag'), path: Type.Array(Type.Object(point)), keys }),
  Type.Object({ type: Type.Literal('keypress'), keys: Type.Array(Type.String()) }),
  Type.Object({ type: Type.Literal('move'), ...point, keys }),
  Type.Object({ type: Type.Literal('screenshot') }),
  Type.Object({ type: Type.Literal('scroll'), scroll_x: Type.Number(), scroll_y: Type.Number(), ...point, keys }),
  Type.Object({ type: Type.Literal('type'), text: Type.String() }),
  Type.Object({ type: Type.Literal('wait') }),
]);
export type ComputerAction = Static<typeof ComputerAction>;

const SafetyCheck = Type.Object({
  id: Type.String(),
  code: Type.Maybe(Type.String()),
  message: Type.Maybe(Type.String()),
});

/** Actions that the client is asked to carry out. */
export const ComputerCallItem = Type.Object({
  type: Type.Literal('computer_call'),
  call_id: Type.String(),
  action: Type.Optional(ComputerAction),
  actions: Type.Optional(Type.Array(ComputerAction)),
  pending_safety_checks: Type.Maybe(Type.Array(SafetyCheck)),
  ...replayed,
});
export type ComputerCallItem = Static<typeof ComputerCallItem>;

/** The same as a response makes it. */
export const OutputComputerCallItem = extend(ComputerCallItem, {
  ...made,
  pending_safety_checks: Type.Array(SafetyCheck),
});
export type OutputComputerCallItem = Static<typeof OutputComputerCallItem>;

const ComputerOutputStatus = Type.Enum(['in_progress', 'completed', 'incomplete', 'failed']);

/** The screen afterwards. */
export const ComputerCallOutputItem = Type.Object({
  type: Type.Literal('computer_call_output'),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(ComputerOutputStatus),
  call_id: Type.String(),
  output: Type.Object({
    type: Type.Literal('computer_screenshot'),
    file_id: Type.Optional(Type.String()),
    image_url: Type.Optional(Type.String()),
  }),
  acknowledged_safety_checks: Type.Maybe(Type.Array(SafetyCheck)),
});
export type ComputerCallOutputItem = Static<typeof ComputerCallOutputItem>;

/** The same as a response makes it. */
export const OutputComputerCallOutputItem = extend(ComputerCallOutputItem, {
  id: Type.String(),
  status: ComputerOutputStatus,
  acknowledged_safety_checks: Type.Optional(Type.Array(SafetyCheck)),
});
export type OutputComputerCallOutputItem = Static<typeof OutputComputerCallOutputItem>;
