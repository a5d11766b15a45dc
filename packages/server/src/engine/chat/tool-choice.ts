/** `tool_choice` in all its forms as what the chat wire knows: a word or one function, and fewer tools where some are not allowed. */
import { errors, type ToolChoice } from '@longwire/protocol';
import type { ToolOrigin, ToolTable } from './tools.ts';
import type { ChatTool } from './wire.ts';

/** `tools` and `tool_choice` of a request body. */
export interface ChatToolChoice {
  readonly tools: readonly ChatTool[];
  readonly choice: 'none' | 'auto' | 'required' | { readonly type: 'function'; readonly function: { name: string } };
}

/**
 * The tools and the choice to send. `allowed_tools` sends only those: servers do not know the form itself.
 * Throws `unsupported_value` when the choice forces a tool that this request cannot offer.
 */
export function toChatToolChoice(choice: ToolChoice, table: ToolTable): ChatToolChoice {
  const tools = [...table.values()].map(({ chat }) => chat);
  if (typeof choice === 'string') {
    if (choice === 'required' && tools.length === 0) throw nothingToCall();
    return { tools, choice };
  }
  if (choice.type === 'allowed_tools') {
    const allowed = [...table.values()].filter(({ origin }) => choice.tools.some((each) => names(each, origin)));
    if (choice.mode === 'required' && allowed.length === 0) throw nothingToCall();
    return { tools: allowed.map(({ chat }) => chat), choice: choice.mode };
  }
  for (const { chat, origin } of table.values()) {
    if (names(choice, origin)) return { tools, choice: { type: 'function', function: { name: chat.function.name } } };
  }
  throw errors.unsupportedValue(
    'tool_choice',
    'names a tool that this request does not offer, or that this model cannot use.',
  );
}

/** Whether a reference such as `{type:'function', name}` or `{type:'shell'}` means this tool. */
function names(reference: Readonly<Record<string, unknown>>, origin: ToolOrigin): boolean {
  if (origin.kind === 'client') return reference['type'] === origin.type;
  if (reference['type'] === 'namespace')
    return origin.namespace !== undefined && reference['name'] === origin.namespace;
  const namespace = reference['namespace'];
  return (
    reference['type'] === origin.kind &&
    reference['name'] === origin.name &&
    (typeof namespace !== 'string' || namespace === origin.namespace)
  );
}

function nothingToCall(): Error {
  return errors.unsupportedValue(
    'tool_choice',
    "is 'required', but the request offers no tool that this model can use.",
  );
}
