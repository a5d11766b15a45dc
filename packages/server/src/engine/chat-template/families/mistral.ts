/**
 * Mistral. Older models write one array, `[TOOL_CALLS][{"name": …, "arguments": {…}}, …]`; newer ones a mark for every call,
 * `[TOOL_CALLS]name[ARGS]{…}`, some with `[CALL_ID]…` between. All forms are read of each; reasoning stands in `[THINK]`. The id of an array's
 * call stands behind its arguments, when the client has its own already.
 */
import { EitherCall } from './either-call.ts';
import type { Family } from './family.ts';
import { JsonCall } from './json-call.ts';
import { NamedCall } from './named-call.ts';
import { TaggedParser } from './tagged.ts';
import type { TagSyntax } from './tagged.ts';

const syntax: TagSyntax = {
  thinking: { open: '[THINK]', close: '[/THINK]' },
  callOpens: ['[TOOL_CALLS]'],
  bareOpens: [],
  isChained: true,
  callCloses: [],
  noise: [',', ']'],
  wrappers: [],
  writesIds: true,
  createCall: (targets) =>
    new EitherCall(/[\s[]/, (first) => (first === '{' ? new JsonCall(targets) : new NamedCall(targets, nameOf, idOf))),
};

/** `name[ARGS]`, `name[CALL_ID]123456789[ARGS]`, `name`. */
function nameOf(header: string): string {
  return header.replace(/\[.*$/s, '').trim();
}

function idOf(header: string): string | null {
  return /\[CALL_ID\]([^[]*)/.exec(header)?.[1]?.trim() ?? null;
}

/** One mark for every call. */
export const mistral: Family = {
  name: 'mistral',
  callMark: '[TOOL_CALLS]',
  forcedCall: (name) => (name === null ? '[TOOL_CALLS]' : `[TOOL_CALLS]${name}[ARGS]`),
  argumentsOpening: '',
  finalStart: '',
  marks: ['[TOOL_CALLS]', '[ARGS]', '[CALL_ID]', '[THINK]', '[/THINK]'],
  createParser: (targets, opening) => new TaggedParser(syntax, targets, opening),
};

/** The same, with ids: the model makes its own. */
export const mistralWithIds: Family = {
  ...mistral,
  forcedCall: (name) => (name === null ? '[TOOL_CALLS]' : `[TOOL_CALLS]${name}[CALL_ID]`),
  argumentsOpening: null,
};

/** One array of calls. */
export const mistralArray: Family = {
  ...mistral,
  forcedCall: (name) => (name === null ? '[TOOL_CALLS][{"name": "' : `[TOOL_CALLS][{"name": "${name}`),
  argumentsOpening: '", "arguments":',
};
