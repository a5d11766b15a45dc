/**
 * Custom tools on a wire that only knows functions: their text travels as `{"input": "…"}` (needs 21).
 *
 * The decoder takes those arguments apart while they stream, so that a patch appears as it is written.
 */

/** The arguments that carry a custom tool's input. */
export function encodeCustomInput(input: string): string {
  return JSON.stringify({ input });
}

const opening = /^\s*\{\s*"input"\s*:\s*"/;
/** The opening without its space. */
const bareOpening = '{"input":"';
/** No opening is longer: what is not recognised by then is waited for as a whole. */
const openingLimit = 64;
/** Text and whole escapes; a `\u` without its digits stands for itself, since models write what JSON does not allow. */
const escapedText = /^(?:[^"\\]+|\\u[0-9a-fA-F]{4}|\\u(?=[0-9a-fA-F]{0,3}[^0-9a-fA-F])|\\[^u])*/s;
const shortEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Turns the deltas of the arguments into deltas of the input. */
export class CustomInputDecoder {
  #state: 'opening' | 'whole' | 'text' | 'closed' = 'opening';
  #pending = '';

  /** The input text that this piece of the arguments completes; empty while it cannot be told. */
  push(delta: string): string {
    if (this.#state === 'closed') return '';
    this.#pending += delta;
    if (this.#state === 'opening') {
      const match = opening.exec(this.#pending);
      if (match) {
        this.#state = 'text';
        this.#pending = this.#pending.slice(match[0].length);
      } else if (this.#pending.length > openingLimit) {
        this.#state = 'whole';
      }
    }
    return this.#state === 'text' ? this.#takeText() : '';
  }

  /**
   * What remains at the end: for arguments of another shape all of it, as well as it can be understood. Arguments that were cut off in the
   * opening have no input.
   */
  end(): string {
    const rest = this.#pending;
    this.#pending = '';
    if (this.#state === 'opening' && bareOpening.startsWith(rest.replaceAll(/\s/g, ''))) return '';
    return this.#state === 'opening' || this.#state === 'whole' ? readWhole(rest) : '';
  }

  /** Decodes up to the closing quote, or up to an escape (or half a surrogate pair) that is not whole yet. */
  #takeText(): string {
    const [body = ''] = escapedText.exec(this.#pending) ?? [];
    const rest = this.#pending.slice(body.length);
    this.#pending = rest;
    if (rest.startsWith('"')) {
      this.#state = 'closed';
      this.#pending = '';
    }
    const half = this.#state === 'text' ? /(?:\\u[dD][89abAB][0-9a-fA-F]{2}|[\uD800-\uDBFF])$/.exec(body) : null;
    if (!half) return unescape(body);
    this.#pending = half[0] + rest;
    return unescape(body.slice(0, half.index));
  }
}

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (shortEscapes[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Models do not always keep to the schema: one string under another name is meant as the input, and so is bare text. */
function readWhole(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return text;
  if ('input' in value && typeof value.input === 'string') return value.input;
  const values: unknown[] = Object.values(value);
  return values.length === 1 && typeof values[0] === 'string' ? values[0] : text;
}
