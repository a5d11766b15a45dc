/** `tool_choice` in all its forms (dossier B.1) as what models know: a word or one tool, and fewer tools where some are not allowed. */
import { errors, type ProtocolError, type ToolChoice } from '@longwire/protocol';
import type { ToolOrigin, ToolTable } from './tools.ts';
import type { ChatTool } from './wire.ts';

/** What is left of a request's tools once its choice is made. */
export interface ToolSelection {
  /** The names, on the model's side, of the tools that it may be shown. */
  readonly names: readonly string[];
  /** `required` where a tool is {@link forced}. */
  readonly mode: 'none' | 'auto' | 'required';
  /** The name of the one tool that must be called; null where there is a choice. */
  readonly forced: string | null;
}

/**
 * Makes the choice among tools by their names on the model's side. `allowed_tools` leaves only those: no model knows the form itself.
 * Throws `unsupported_value` where the choice asks for a tool that the request does not offer or that nobody here could run, and
 * `invalid_value` where it could mean several.
 */
export function selectTools(choice: ToolChoice, origins: ReadonlyMap<string, ToolOrigin>): ToolSelection {
  if (typeof choice === 'string') return select([...origins.keys()], choice);
  if (choice.type !== 'allowed_tools') {
    return { names: [...origins.keys()], mode: 'required', forced: findTool(choice, origins, 'tool_choice') };
  }
  const allowed = new Set<string>();
  for (const [index, reference] of choice.tools.entries()) {
    const named = [...origins].filter(([, origin]) => means(reference, origin));
    // What is hosted is left out of the tools themselves, and so here.
    if (named.length === 0 && isCarried(reference)) throw notOffered(`tool_choice.tools[${index}]`);
    for (const [name] of named) allowed.add(name);
  }
  return select(
    [...origins.keys()].filter((name) => allowed.has(name)),
    choice.mode,
  );
}

function select(names: readonly string[], mode: ToolSelection['mode']): ToolSelection {
  if (mode === 'required' && names.length === 0) {
    throw errors.unsupportedValue(
      'tool_choice',
      "is 'required', but the request offers no tool that this model can use.",
    );
  }
  return { names, mode, forced: null };
}

/** The tool outside of namespaces where several have the name. */
function findTool(reference: Reference, origins: ReadonlyMap<string, ToolOrigin>, param: string): string {
  const named = [...origins].filter(([, origin]) => means(reference, origin));
  const plain = named.filter(([, origin]) => origin.kind === 'client' || origin.namespace === undefined);
  const [found, another] = plain.length > 0 ? plain : named;
  if (found === undefined) throw notOffered(param);
  if (another !== undefined) {
    throw errors.invalidValue(param, "names tools of several namespaces. Add 'namespace' to say which one.");
  }
  return found[0];
}

type Reference = Readonly<Record<string, unknown>>;

/** Whether a reference such as `{type:'function', name}` or `{type:'shell'}` means this tool. */
function means(reference: Reference, origin: ToolOrigin): boolean {
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

/** Whether a reference is to a tool of the client that every model could call. */
function isCarried(reference: Reference): boolean {
  return ['function', 'custom', 'namespace'].includes(String(reference['type']));
}

function notOffered(param: string): ProtocolError {
  return errors.unsupportedValue(
    param,
    'names a tool that this request does not offer, or that this model cannot use.',
  );
}

/** `tools` and `tool_choice` of a request body. */
export interface ChatToolChoice {
  readonly tools: readonly ChatTool[];
  readonly choice: 'none' | 'auto' | 'required' | { readonly type: 'function'; readonly function: { name: string } };
}

/** The tools and the choice to send to a chat server. Throws as {@link selectTools}. */
export function toChatToolChoice(choice: ToolChoice, table: ToolTable): ChatToolChoice {
  const origins = new Map([...table].map(([name, { origin }]) => [name, origin]));
  const { names, mode, forced } = selectTools(choice, origins);
  const shown = new Set(names);
  return {
    tools: [...table].filter(([name]) => shown.has(name)).map(([, { chat }]) => chat),
    choice: forced === null ? mode : { type: 'function', function: { name: forced } },
  };
}
