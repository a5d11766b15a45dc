/** Tools of a request -> functions of a chat template, and the names of calls back. */
import type { CustomTool, FunctionTool, Tool } from '@longwire/protocol';
import { toCustomDescription } from '../chat/tools.ts';

/** A function as chat templates take it. */
export interface ChatTool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
}

/** What a name that the model calls stands for. */
export interface CallTarget {
  readonly kind: 'function' | 'custom';
  readonly name: string;
  readonly namespace?: string;
  /** The schema of its arguments. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Whether the arguments must be what the schema says. */
  readonly isStrict?: boolean;
}

/** The one parameter under which a custom tool takes its free text. */
export const customInputParameter = 'input';

const customParameters = {
  type: 'object',
  properties: { [customInputParameter]: { type: 'string' } },
  required: [customInputParameter],
};
const noParameters = { type: 'object', properties: {} };

/** A tool's name in the prompt: templates know no namespaces. */
export function toChatName(name: string, namespace: string | null | undefined): string {
  return namespace ? `${namespace}__${name}` : name;
}

/** The tools that a text model can call. Hosted tools are run by nobody here, so the model is not told of them. */
export function toChatTools(tools: readonly Tool[]): ChatTool[] {
  return tools.flatMap((tool) => {
    if (tool.type === 'namespace') return tool.tools.map((member) => toChatTool(member, tool.name));
    return tool.type === 'function' || tool.type === 'custom' ? [toChatTool(tool)] : [];
  });
}

/** Name in the prompt -> the tool it stands for. */
export function toCallTargets(tools: readonly Tool[]): ReadonlyMap<string, CallTarget> {
  const targets = new Map<string, CallTarget>();
  const add = (tool: FunctionTool | CustomTool, namespace?: string): void => {
    const parameters = tool.type === 'function' ? tool.parameters : null;
    targets.set(toChatName(tool.name, namespace), {
      kind: tool.type,
      name: tool.name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(parameters ? { parameters } : {}),
      ...(tool.type === 'function' && tool.strict === true ? { isStrict: true } : {}),
    });
  };
  for (const tool of tools) {
    if (tool.type === 'namespace') for (const member of tool.tools) add(member, tool.name);
    else if (tool.type === 'function' || tool.type === 'custom') add(tool);
  }
  return targets;
}

function toChatTool(tool: FunctionTool | CustomTool, namespace?: string): ChatTool {
  const name = toChatName(tool.name, namespace);
  const parameters = tool.type === 'custom' ? customParameters : (tool.parameters ?? noParameters);
  const description = tool.type === 'custom' ? toCustomDescription(tool) : tool.description;
  return { type: 'function', function: { name, ...(description ? { description } : {}), parameters } };
}
