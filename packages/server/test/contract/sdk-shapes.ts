/**
 * Holds what the server sends against the types of the official SDK, strictly: every key that a type has is there, of its type, and there is no
 * other key but those that are listed here.
 */
import { catalogue } from '@longwire/protocol';
import { readSdkTypes, type Shape } from './sdk-types.ts';

const { ResponsesServerEvent: eventShape, Response: responseShape } = readSdkTypes(
  'openai/resources/responses/responses',
  ['ResponsesServerEvent', 'Response'],
);

type Kind = 'unknown' | 'null' | 'missing';

/** Where we do otherwise, and why: by the `type` or `object` of what holds the key. */
const exceptions: ReadonlyMap<string, Kind> = new Map([
  // Made by the SDK itself.
  ['response.output_text', 'missing'],
  // Null in what was recorded of the service, where the SDK says missing.
  ['response.user', 'null'],
  ['response.usage', 'null'],
  // In the SDK's type of the stored item, not in that of the output.
  ['custom_tool_call.status', 'unknown'],
  // Where Codex looks for it; in `error` too, where the SDK has it.
  ['error.headers', 'unknown'],
]);
/** Keys that Open Responses wants and the service tells, and that the SDK does not know. */
const additions: ReadonlyMap<string, readonly string[]> = new Map([
  ['response', ['store', 'presence_penalty', 'frequency_penalty']],
]);
/** Settings are told as the client wrote them, with whatever it wrote into them: more keys, tools of types that nobody knows. */
const echoes = /^(event\.)?response\.(tools|tool_choice|text|reasoning|prompt|prompt_cache_options)\b/;

/**
 * Values of our own (PROTOCOL.md 2, 6 and 9): a refused steer gives back what came, a turn can be cancelled over the socket, and the
 * reasons of a failure are more than the SDK lists.
 */
function isOurs(value: unknown, path: string): boolean {
  if (path.endsWith('response.error.code')) return typeof value === 'string' && Object.hasOwn(catalogue, value);
  return path === 'event.steer.input' || (path.endsWith('.incomplete_details.reason') && value === 'cancelled');
}

/** Throws an `Error` that lists every key of an event that is missing, of another type, or too many. */
export function requireSdkEvent(event: unknown): void {
  require(event, eventShape, 'event');
}

/** The same for a response, as HTTP carries it. */
export function requireSdkResponse(response: unknown): void {
  require(response, responseShape, 'response');
}

function require(value: unknown, shape: Shape, path: string): void {
  const problems = problemsOf(value, shape, path);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function problemsOf(value: unknown, shape: Shape, path: string): readonly string[] {
  if (isOurs(value, path)) return [];
  switch (shape.kind) {
    case 'any':
      return [];
    case 'literal':
      return value === shape.value ? [] : [`${path} is ${show(value)} in place of ${show(shape.value)}`];
    case 'union':
      return problemsOfUnion(value, shape.options, path);
    case 'array':
      if (!Array.isArray(value)) return [`${path} is ${show(value)} in place of an array`];
      return value.flatMap((each, index) => problemsOf(each, shape.element, `${path}[${index}]`));
    case 'object':
      return isObject(value)
        ? problemsOfObject(value, shape, path)
        : [`${path} is ${show(value)} in place of an object`];
    default:
      return (value === null ? 'null' : typeof value) === shape.kind
        ? []
        : [`${path} is ${show(value)} in place of ${shape.kind}`];
  }
}

type ObjectShape = Extract<Shape, { kind: 'object' }>;

function problemsOfObject(
  value: Record<string, unknown>,
  { fields, rest }: ObjectShape,
  path: string,
): readonly string[] {
  const problems: string[] = [];
  for (const [name, { isOptional, shape }] of fields) {
    if (!Object.hasOwn(value, name)) {
      if (!isOptional && !isException(value, name, 'missing')) problems.push(`${path}.${name} is missing`);
    } else if (value[name] !== null || !isException(value, name, 'null')) {
      problems.push(...problemsOf(value[name], shape, `${path}.${name}`));
    }
  }
  const added = additions.get(ownerOf(value)) ?? [];
  problems.push(...added.filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name} is missing`));
  for (const [name, inner] of Object.entries(value)) {
    if (fields.has(name) || added.includes(name)) continue;
    if (rest) problems.push(...problemsOf(inner, rest, `${path}.${name}`));
    else if (!isException(value, name, 'unknown') && !echoes.test(path))
      problems.push(`${path}.${name} is unknown: ${show(inner)}`);
  }
  return problems;
}

/** `type`, or `object` where there is none. */
function ownerOf({ type, object }: Record<string, unknown>): string {
  return String(type ?? object);
}

function isException(value: Record<string, unknown>, name: string, kind: Kind): boolean {
  const owner = ownerOf(value);
  // The service's on all of them, the SDK's on one (dossier C.1).
  if (name === 'obfuscation') return kind === 'unknown' && owner.endsWith('.delta');
  // A token that is half a character has no other true form; the SDK has them in parts, and not in events.
  if (name === 'bytes' && 'logprob' in value) return kind === 'unknown';
  return exceptions.get(`${owner}.${name}`) === kind;
}

/** An object is held against the options whose literals (`type`, `role`, …) it has; what fits none best tells why. */
function problemsOfUnion(value: unknown, options: readonly Shape[], path: string): readonly string[] {
  const none = [`${path} is ${show(value)}, which is none of its types`];
  if (!isObject(value)) return options.some((option) => problemsOf(value, option, path).length === 0) ? [] : none;
  const candidates = options.filter((option) => option.kind === 'object' && hasLiterals(value, option));
  if (candidates.length === 0 && echoes.test(path)) return [];
  const found = candidates.map((candidate) => problemsOf(value, candidate, path));
  return found.toSorted((a, b) => a.length - b.length)[0] ?? none;
}

function hasLiterals(value: Record<string, unknown>, { fields }: ObjectShape): boolean {
  return ['type', 'role'].every((name) => {
    const shape = fields.get(name)?.shape;
    if (shape?.kind === 'literal') return value[name] === shape.value;
    if (shape?.kind !== 'union') return true;
    return shape.options.some((option) => option.kind !== 'literal' || option.value === value[name]);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 120) ?? 'nothing';
}
