/** Workload files: agent rollouts as JSON lines, a header and then one line per model turn (docs/workloads.md). */
import { readFileSync } from 'node:fs';
import type { Item, OutputItem, Tool } from '@longwire/protocol';

/** One model turn. */
export interface WorkloadTurn {
  /** Items that are new since the turn before. */
  readonly input: readonly Item[];
  /** Items that the model makes. */
  readonly output: readonly OutputItem[];
  /** Deltas of each output item, where they matter; split by the engine otherwise. */
  readonly chunks?: readonly (readonly string[])[];
  /** Tokens of the whole context before the output. */
  readonly contextTokens: number;
  readonly newTokens: number;
  readonly outputTokens: number;
}

/** A rollout to replay. */
export interface Workload {
  readonly name: string;
  readonly instructions: string;
  readonly tools: readonly Tool[];
  readonly turns: readonly WorkloadTurn[];
}

interface Line {
  readonly kind: string;
  readonly name?: string;
  readonly instructions?: string;
  readonly tools?: readonly Tool[];
  readonly input?: readonly Item[];
  readonly output?: readonly OutputItem[];
  readonly chunks?: readonly (readonly string[])[];
  readonly context_tokens?: number;
  readonly new_tokens?: number;
  readonly output_tokens?: number;
}

/** Reads a workload. Throws an `Error` that names the file and the line when it is not one. */
export function readWorkload(path: string): Workload {
  return parseWorkload(readFileSync(path, 'utf8'), path);
}

/** The workload in `text`; `source` stands in the error when it is not one. */
export function parseWorkload(text: string, source: string): Workload {
  const lines = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as Line];
    } catch {
      throw new Error(`${source}: line ${index + 1} is not JSON.`);
    }
  });
  const header = lines.find((line) => line.kind === 'header');
  const turns = lines.filter((line) => line.kind === 'turn').map(toTurn);
  if (turns.length === 0) throw new Error(`${source} is not a workload: it has no line of kind "turn".`);
  return {
    name: header?.name ?? 'scripted',
    instructions: header?.instructions ?? '',
    tools: header?.tools ?? [],
    turns,
  };
}

function toTurn(line: Line): WorkloadTurn {
  return {
    input: line.input ?? [],
    output: line.output ?? [],
    ...(line.chunks && { chunks: line.chunks }),
    contextTokens: line.context_tokens ?? 0,
    newTokens: line.new_tokens ?? 0,
    outputTokens: line.output_tokens ?? 0,
  };
}
