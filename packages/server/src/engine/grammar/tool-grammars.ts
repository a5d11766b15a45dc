/** The grammars of a request's custom tools, as the engine holds their inputs to them. */
import { errors, type CustomTool, type Tool } from '@longwire/protocol';
import type { GenerateRequest } from '../engine.ts';
import type { Family } from '../chat-template/families/family.ts';
import { toChatName } from '../chat-template/tools.ts';
import { type Grammar, GrammarError } from './expression.ts';
import { toInputGbnf } from './gbnf.ts';
import { parseLark } from './lark.ts';
import { isMember } from './membership.ts';
import { parseRegex } from './regex.ts';

type GrammarFormat = Extract<CustomTool['format'], { type: 'grammar' }>;

/** What the input of a custom tool is held to. */
export interface InputGrammar {
  /** As `toInputGbnf`. */
  readonly gbnf: string;
  /** Whether this is what the GBNF says: the rest of the arguments, as JSON, behind the quote that the input begins with. O(rest). */
  allows(rest: string): boolean;
}

/** By notation and definition: clients send their tools with every request. */
const translated = new Map<string, InputGrammar>();
const cachedTranslations = 64;

/**
 * The grammars of the inputs of custom tools that have one, by the tools' names in the prompt. None where the family writes arguments in tags,
 * with no quotes around them: such models are told of the grammar, and are not held to it. Throws `invalid_value` for a definition that is no
 * grammar, and `unsupported_value` for one that cannot be enforced; both name the field.
 */
export function toInputGrammars(
  { preamble, requested }: GenerateRequest<unknown>,
  { argumentForm }: Family,
): ReadonlyMap<string, InputGrammar> {
  const grammars = new Map<string, InputGrammar>();
  if (argumentForm === 'tags') return grammars;
  const add = (tool: Tool, path: string, namespace?: string): void => {
    if (tool.type === 'namespace') {
      for (const [index, member] of tool.tools.entries()) add(member, `${path}.tools[${index}]`, tool.name);
    } else if (tool.type === 'custom' && tool.format?.type === 'grammar') {
      grammars.set(toChatName(tool.name, namespace), translate(tool.format, `${path}.format.definition`));
    }
  };
  const ownCount = requested.tools?.length ?? 0;
  // What the chain brought in stands behind the request's own tools.
  for (const [index, tool] of preamble.tools.entries()) add(tool, index < ownCount ? `tools[${index}]` : 'input');
  return grammars;
}

function translate({ syntax, definition }: GrammarFormat, path: string): InputGrammar {
  const key = `${syntax}:${definition}`;
  const known = translated.get(key);
  if (known !== undefined) return known;
  try {
    const grammar = syntax === 'lark' ? parseLark(definition) : toGrammar(definition);
    const input: InputGrammar = { gbnf: toInputGbnf(grammar), allows: (rest) => isRestOf(grammar, rest) };
    const oldest = translated.keys().next();
    if (translated.size >= cachedTranslations && oldest.done !== true) translated.delete(oldest.value);
    translated.set(key, input);
    return input;
  } catch (cause) {
    if (!(cause instanceof GrammarError)) throw cause;
    if (cause.isBroken) throw errors.invalidValue(path, `no ${syntax} grammar has ${cause.message}.`);
    throw errors.unsupportedValue(path, `is a ${syntax} grammar in which ${cause.message} by this model's engine.`);
  }
}

function toGrammar(regex: string): Grammar {
  return { start: 'start', rules: new Map([['start', parseRegex(regex)]]) };
}

function isRestOf(grammar: Grammar, rest: string): boolean {
  try {
    const { input } = JSON.parse(`{"input": "${rest}`) as { input: string };
    return isMember(grammar, input);
  } catch {
    return false;
  }
}
