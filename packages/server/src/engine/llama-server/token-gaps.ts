/**
 * Ids that the server does not tell: of a character that takes several tokens, only the last one's comes with the text. They
 * are found again by encoding that text.
 */
import type { Token } from '../chat-template/tokenizer.ts';
import type { LlamaServerApi } from './api.ts';
import type { CompletionChunk } from './wire.ts';

/** Stands where an id is missing. */
const missing: Token = -1;

interface Gap {
  /** Index of the first missing id. */
  readonly at: number;
  readonly length: number;
  /** The text that the missing and the `known` ids are. */
  readonly content: string;
  readonly known: readonly Token[];
}

/** Watches the ids of one output. */
export class TokenGaps {
  readonly #tokens: Token[];
  /** Of the tokens, those that stood there before the server was asked. */
  readonly #before: number;
  #gaps: Gap[] = [];

  /** `tokens`: the output's own, in which gaps are closed. */
  constructor(tokens: Token[]) {
    this.#tokens = tokens;
    this.#before = tokens.length;
  }

  /** Tokens that the server has told, or that are missing. */
  get told(): number {
    return this.#tokens.length - this.#before;
  }

  /** Whether every id is known. */
  get areClosed(): boolean {
    return this.#gaps.length === 0;
  }

  /** Looks whether ids are missing in front of a chunk. */
  note(chunk: CompletionChunk): void {
    const length = this.#missingIn(chunk);
    if (length === 0) return;
    this.#gaps.push({ at: this.#tokens.length, length, content: chunk.content ?? '', known: chunk.tokens ?? [] });
  }

  /** The chunk's ids, and a stand-in for each that is missing. */
  take(chunk: CompletionChunk): Token[] {
    return [...Array<Token>(this.#missingIn(chunk)).fill(missing), ...(chunk.tokens ?? [])];
  }

  /** Finds the missing ids. Where it cannot, the gaps stay: the chain then goes on from the text. */
  async close(api: LlamaServerApi): Promise<void> {
    const open: Gap[] = [];
    for (const gap of this.#gaps) {
      const found = await api.tokenize(gap.content, true).catch((): readonly Token[] => []);
      const isSame = found.length === gap.length + gap.known.length && gap.known.every((id) => found.at(-1) === id);
      if (isSame) this.#tokens.splice(gap.at, gap.length, ...found.slice(0, gap.length));
      else open.push(gap);
    }
    this.#gaps = open;
  }

  #missingIn({ tokens = [], tokens_predicted: predicted }: CompletionChunk): number {
    return predicted === undefined ? 0 : Math.max(0, predicted - this.told - tokens.length);
  }
}
