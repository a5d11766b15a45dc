/** Rendered prompts -> token ids, where nobody's text can forge what only the template may write. */
import type { Token } from 'node-llama-cpp';

/** What encoding needs of a model. */
export interface Vocabulary {
  /** Text to ids; `parsesControl`: texts of control tokens become those tokens. Puts nothing in front. */
  tokenize(text: string, parsesControl: boolean): readonly Token[];
  /** Texts of the tokens that steer the model, such as `<|im_end|>`. */
  readonly controlTexts: readonly string[];
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
  readonly #control: RegExp | null;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    const texts = vocabulary.controlTexts.filter((text) => text !== '').toSorted((a, b) => b.length - a.length);
    this.#control = texts.length === 0 ? null : new RegExp(texts.map(toPattern).join('|'), 'g');
  }

  /** A text as it may go into a template. */
  guard(text: string): string {
    if (this.#control === null) return text;
    const { controlTexts } = this.#vocabulary;
    return text.replace(this.#control, (found) => `${guardOpen}${controlTexts.indexOf(found)}${guardClose}`);
  }

  /** Token ids of a rendered text. */
  encode(rendered: string): readonly Token[] {
    if (!rendered.includes(guardOpen)) return this.#vocabulary.tokenize(rendered, true);
    const { controlTexts } = this.#vocabulary;
    // A split by a group alternates between text and what the group matched.
    return rendered.split(guards).flatMap((part, index) => {
      if (index % 2 === 0) return part === '' ? [] : this.#vocabulary.tokenize(part, true);
      return this.#vocabulary.tokenize(controlTexts[Number(part)] ?? '', false);
    });
  }
}

/** A text as a pattern that finds it. */
function toPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
