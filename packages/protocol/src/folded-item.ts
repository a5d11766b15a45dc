/** Empty items and parts, for streams that do not announce them. */
import type { OutputPart } from './content.ts';
import type { OutputCodeInterpreterCallItem } from './items/code-interpreter.ts';
import type { OutputCustomToolCallItem } from './items/custom-tool-call.ts';
import type { OutputFunctionCallItem } from './items/function-call.ts';
import type { OutputMcpCallItem } from './items/mcp.ts';
import type { OutputMessageItem } from './items/message.ts';
import type { OutputReasoningItem } from './items/reasoning.ts';
import type { OutputShellCallItem, OutputShellCallOutputItem, ShellOutput } from './items/shell.ts';

/** Families with events between `added` and `done`. */
export interface FoldedItems {
  message: OutputMessageItem;
  reasoning: OutputReasoningItem;
  function_call: OutputFunctionCallItem;
  custom_tool_call: OutputCustomToolCallItem;
  mcp_call: OutputMcpCallItem;
  code_interpreter_call: OutputCodeInterpreterCallItem;
  shell_call: OutputShellCallItem;
  shell_call_output: OutputShellCallOutputItem;
}

const status = 'in_progress';

/** An empty item of each family. What only `added` or `done` can tell, such as a name, is empty until then. */
export const blankItems: { [T in keyof FoldedItems]: (id: string) => FoldedItems[T] } = {
  message: (id) => ({ id, type: 'message', status, role: 'assistant', content: [] }),
  reasoning: (id) => ({ id, type: 'reasoning', summary: [] }),
  function_call: (id) => ({ id, type: 'function_call', status, arguments: '', call_id: '', name: '' }),
  custom_tool_call: (id) => ({ id, type: 'custom_tool_call', status, call_id: '', input: '', name: '' }),
  mcp_call: (id) => ({ id, type: 'mcp_call', status, arguments: '', name: '', server_label: '' }),
  code_interpreter_call: (id) => ({
    id,
    type: 'code_interpreter_call',
    status,
    code: '',
    container_id: '',
    outputs: null,
  }),
  shell_call: (id) => ({
    id,
    type: 'shell_call',
    status,
    action: { commands: [], max_output_length: null, timeout_ms: null },
    call_id: '',
    environment: null,
  }),
  shell_call_output: (id) => ({
    id,
    type: 'shell_call_output',
    status,
    call_id: '',
    max_output_length: null,
    output: [],
  }),
};

/** An empty content part of each kind. */
export const blankParts: { [T in OutputPart['type']]: () => Extract<OutputPart, { type: T }> } = {
  output_text: () => ({ type: 'output_text', text: '', annotations: [], logprobs: [] }),
  refusal: () => ({ type: 'refusal', refusal: '' }),
  reasoning_text: () => ({ type: 'reasoning_text', text: '' }),
};

/** A command that has printed nothing yet. How it ended, `done` will tell. */
export function createShellOutput(): ShellOutput {
  return { stdout: '', stderr: '', outcome: { type: 'exit', exit_code: 0 } };
}
