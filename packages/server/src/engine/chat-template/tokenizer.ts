/** Rendered prompts -> token ids, where nobody's text can forge what only the template may write. */

/** An id in a model's vocabulary. */
export type Token = number;

/** What encoding needs of a model. */
export interface Vocabulary {
  /** Text to ids; `parsesControl`: texts of control tokens become those tokens. Puts nothing in front. */
  tokenize(text: string, parsesControl: boolean): readonly Token[] | Promise<readonly Token[]>;
  /** Texts of the tokens that steer the model, such as `<|im_end|>`; those that are known by now. */
  readonly controlTexts: readonly string[];
  /** Makes sure that the control texts inside these contents are known: for vocabularies that cannot be listed. */
  learn?(contents: readonly string[]): Promise<void>;
  readonly bos: string;
  readonly eos: string;
  /** Whether a prompt must begin with `bos` where the template does not write it. */
  readonly needsBos: boolean;
}

const guardOpen = '\uE000';
const guardClose = '\uE001';
const guards = new RegExp(`${guardOpen}(\\d+)${guardClose}`);

/**
 * Encodes prompts. Control texts inside content are replaced by private characters before rendering ({@link guard}) and
 * encoded as ordinary text afterwards: a message that says `<|im_end|>` cannot end itself.
 */
export class PromptEncoder {
  readonly #vocabulary: Vocabulary;
  #control: RegExp | null = null;
  /** Control texts that the pattern knows. */
  #known = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** To be awaited before contents are guarded; they are only asked for where the vocabulary has to learn them. */
  async learn(contents: () => readonly string[]): Promise<void> {
    await this.#vocabulary.learn?.(contents());
  }

  /** A text as it may go into a template. */
  guard(text: string): string {
    const control = this.#pattern();
    if (control === null) return text;
    const { controlTexts } = this.#vocabulary;
    return text.replace(control, (found) => `${guardOpen}${controlTexts.indexOf(found)}${guardClose}`);
  }

  /** Token ids of a rendered text. */
  async encode(rendered: string): Promise<readonly Token[]> {
    if (rendered === '') return [];
    if (!rendered.includes(guardOpen)) return this.#vocabulary.tokenize(rendered, true);
    const { controlTexts } = this.#vocabulary;
    // A split by a group alternates between text and what the group matched.
    const parts = rendered.split(guards).map(async (part, index): Promise<readonly Token[]> => {
      if (index % 2 === 0) return part === '' ? [] : this.#vocabulary.tokenize(part, true);
      return this.#vocabulary.tokenize(controlTexts[Number(part)] ?? '', false);
    });
    return (await Promise.all(parts)).flat();
  }

  /** Token ids of a text behind another, of which `before` is the end ({@link overlapOf}); null where the two share a token. */
  async encodeBehind(before: string, text: string): Promise<readonly Token[] | null> {
    const tokens = await this.encode(text);
    if (before === '' || text === '' || this.startsWithControl(text)) return tokens;
    const [front, both] = await Promise.all([this.encode(before), this.encode(before + text)]);
    return isSame([...front, ...tokens], both) ? tokens : null;
  }

  /** Whether a rendered text begins with a control token: what stands before it cannot change how it is encoded. */
  startsWithControl(rendered: string): boolean {
    const control = this.#pattern();
    return control !== null && rendered.search(control) === 0;
  }

  #pattern(): RegExp | null {
    const { controlTexts } = this.#vocabulary;
    if (controlTexts.length !== this.#known) {
      this.#known = controlTexts.length;
      const texts = controlTexts.filter((text) => text !== '').toSorted((a, b) => b.length - a.length);
      this.#control = texts.length === 0 ? null : new RegExp(texts.map(toPattern).join('|'), 'g');
    }
    return this.#control;
  }
}

/** Characters in front of a text that are encoded with it, to see whether the tokens stay the same. */
const overlapLength = 64;

/** As much of the end of a text as {@link PromptEncoder.encodeBehind} needs of it. */
export function overlapOf(text: string): string {
  return text.slice(-overlapLength);
}

/** Whether these are the same tokens. */
export function isSame(a: readonly Token[], b: readonly Token[]): boolean {
  return a.length === b.length && a.every((token, index) => token === b[index]);
}

/** A text as a pattern that finds it. */
function toPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
