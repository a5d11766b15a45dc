/** Follows JSON character by character: how deep it is, whether it stands in a string, when the value has closed. */
export class JsonScanner {
  /** Open objects and arrays. */
  depth = 0;
  isInString = false;
  /** True once the outermost object or array has closed. */
  isClosed = false;
  #isEscaped = false;

  push(character: string): void {
    if (this.isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.isInString = false;
      return;
    }
    if (character === '"') this.isInString = true;
    else if (character === '{' || character === '[') this.depth += 1;
    else if (character === '}' || character === ']') {
      this.depth -= 1;
      if (this.depth <= 0) this.isClosed = true;
    }
  }
}
