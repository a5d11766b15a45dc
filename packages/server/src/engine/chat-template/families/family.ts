/** How the models of one family write reasoning and tool calls into their text. */
import type { EngineEvent } from '../../engine.ts';
import type { CallTarget } from '../tools.ts';

/** The tools that a model may call, by their names in the prompt. */
export type CallTargets = ReadonlyMap<string, CallTarget>;

/** A model's text -> engine events, as it streams: what may be the beginning of a mark is held back, and nothing longer. */
export interface OutputParser {
  /** Whether what comes now is reasoning. */
  readonly isReasoning: boolean;
  /** Whether a call or reasoning has ended, with all that closes it, and nothing has begun since. */
  readonly isBetweenItems: boolean;
  /** The custom tool whose arguments are being written, between their braces; null everywhere else. */
  readonly openInput: CallTarget | null;
  /** Calls that are complete. */
  readonly calls: number;
  /** Whether a call has an id by which its result must be told, and which no event could tell. */
  readonly missesId?: boolean;
  /** Whether all that was pushed has been given out: nothing is held back, no call or reasoning is open. */
  readonly isSettled: boolean;
  /** Events of more text. */
  push(text: string): EngineEvent[];
  /** What was held back, when the model has ended. */
  finish(): EngineEvent[];
}

/** One family. */
export interface Family {
  readonly name: 'hermes' | 'qwen3-coder' | 'llama3' | 'mistral' | 'harmony' | 'deepseek' | 'generic';
  /** Stands in a rendered conversation where the template itself writes calls in this form; null: nothing that only calls show. */
  readonly callMark: string | null;
  /** How the template itself writes arguments: as one JSON object, or each in a tag `<parameter=name>`. */
  readonly argumentForm?: 'json' | 'tags';
  /** How an answer begins that must call this tool, or any tool. */
  forcedCall(name: string | null): string;
  /** What stands between that beginning, where it names a tool, and the call's arguments; null where more than that or no JSON does. */
  readonly argumentsOpening: string | null;
  /** How an answer begins that may only be the final text; empty where nothing stands before it. */
  readonly finalStart: string;
  /** Control tokens that must be seen in the text for it to be parsed. */
  readonly marks: readonly string[];
  /** `opening`: what the template wrote in front of the answer. Without targets, marks of calls are text. */
  createParser(targets: CallTargets, opening: string): OutputParser;
}
