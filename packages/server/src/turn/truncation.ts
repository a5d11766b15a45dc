/** `truncation: "auto"`: a context that is too long loses its oldest items, where the alternative is an error (dossier B.1). */
import { ProtocolError, type Item } from '@longwire/protocol';
import type { OpenNodeItems } from '../chain/context.ts';
import type { ChainNode } from '../chain/node.ts';
import { extendOpenCalls, noOpenCalls, type OpenCalls } from '../chain/tool-calls.ts';
import type { Engine, EngineEvent, GenerateRequest } from '../engine/engine.ts';

/** What a generation with truncation needs. */
export interface TruncationOptions {
  readonly engine: Engine;
  readonly generation: GenerateRequest<unknown>;
  readonly parent: ChainNode | null;
  /** The request's own items, readable for an engine. */
  readonly input: readonly Item[];
  /** Makes the items of a node readable for an engine. */
  readonly open: OpenNodeItems;
}

/**
 * One generation that may lose its oldest items. The chain keeps them all; only the engine's context becomes shorter, and the next
 * turn goes on from the short one. Walks the history only once the engine has refused it.
 */
export class Truncation {
  readonly #options: TruncationOptions;
  #context: unknown;

  constructor(options: TruncationOptions) {
    this.#options = options;
    this.#context = options.generation.context;
  }

  /** The context that the generation ran with. */
  get context(): unknown {
    return this.#context;
  }

  /** As the engine's own `generate`. Throws `context_length_exceeded` when not even the last message fits. */
  async *generate(signal: AbortSignal): AsyncGenerator<readonly EngineEvent[], void, undefined> {
    const { engine, generation } = this.#options;
    let starts: readonly number[] | null = null;
    let items: readonly Item[] = [];
    for (;;) {
      let begun = false;
      try {
        for await (const batch of engine.generate({ ...generation, context: this.#context }, signal)) {
          begun = true;
          yield batch;
        }
        return;
      } catch (thrown) {
        if (begun || !isTooLong(thrown)) throw thrown;
        if (starts === null) {
          items = this.#history();
          starts = possibleStarts(items);
        }
        const [start] = starts;
        if (start === undefined) throw thrown;
        this.#context = engine.extend(null, items.slice(start));
        // Half of what is left goes each time: a long history fits after a few tries.
        starts = starts.slice(Math.ceil(starts.length / 2));
      }
    }
  }

  #history(): readonly Item[] {
    const { parent, input, open } = this.#options;
    const sections: (readonly Item[])[] = [input];
    for (let node = parent; node; node = node.parent) {
      sections.push(open(node, node.items.output).items, open(node, node.items.input).items);
    }
    return sections.toReversed().flat();
  }
}

function isTooLong(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.entry === 'context_length_exceeded';
}

/** Where a shorter history may begin: at a message of the user with no call open, so that no output loses its call. */
function possibleStarts(items: readonly Item[]): readonly number[] {
  const starts: number[] = [];
  let open: OpenCalls = noOpenCalls;
  for (const [index, item] of items.entries()) {
    if (index > 0 && open.length === 0 && item.type === 'message' && item.role === 'user') starts.push(index);
    open = extendOpenCalls(open, [item]);
  }
  return starts;
}
