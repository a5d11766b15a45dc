/**
 * Mistral. Older models write one array, `[TOOL_CALLS][{"name": …, "arguments": {…}}, …]`; newer ones a mark for every call,
 * `[TOOL_CALLS]name[ARGS]{…}`, some with `[CALL_ID]…` between. Both forms are read of either; reasoning stands in `[THINK]`.
 */
import type { EngineEvent } from '../../engine.ts';
import type { CallTarget } from '../tools.ts';
import type { CallReader } from './call-reader.ts';
import type { CallTargets, Family } from './family.ts';
import { JsonCall } from './json-call.ts';
import { NamedCall } from './named-call.ts';
import { TaggedParser } from './tagged.ts';
import type { TagSyntax } from './tagged.ts';

const syntax: TagSyntax = {
  thinking: { open: '[THINK]', close: '[/THINK]' },
  callOpens: ['[TOOL_CALLS]'],
  bareOpens: [],
  isChained: true,
  callCloses: [],
  noise: [',', ']'],
  wrappers: [],
  createCall: (targets) => new MistralCall(targets),
};

/** The form is known at the first character that says something. */
class MistralCall implements CallReader {
  readonly #targets: CallTargets;
  #reader: CallReader | null = null;
  #skipped = '';

  constructor(targets: CallTargets) {
    this.#targets = targets;
  }

  get isClosed(): boolean {
    return this.#reader?.isClosed ?? false;
  }

  get isInString(): boolean {
    return this.#reader?.isInString ?? false;
  }

  get body(): string {
    return this.#skipped + (this.#reader?.body ?? '');
  }

  get isNamed(): boolean {
    return this.#reader?.isNamed ?? false;
  }

  get openInput(): CallTarget | null {
    return this.#reader?.openInput ?? null;
  }

  get isHopeless(): boolean {
    return this.#reader?.isHopeless ?? false;
  }

  push(character: string): void {
    if (this.#reader === null && /[\s[]/.test(character)) {
      this.#skipped += character;
      return;
    }
    this.#reader ??= character === '{' ? new JsonCall(this.#targets) : new NamedCall(this.#targets, nameOf);
    this.#reader.push(character);
  }

  take(): EngineEvent[] {
    return this.#reader?.take() ?? [];
  }

  finish(): EngineEvent[] {
    return this.#reader?.finish() ?? [];
  }
}

/** `name[ARGS]`, `name[CALL_ID]123456789[ARGS]`, `name`. */
function nameOf(header: string): string {
  return header.replace(/\[.*$/s, '').trim();
}

/** One mark for every call. */
export const mistral: Family = {
  name: 'mistral',
  callMark: '[TOOL_CALLS]',
  forcedCall: (name) => (name === null ? '[TOOL_CALLS]' : `[TOOL_CALLS]${name}[ARGS]`),
  finalStart: '',
  callStart: '[TOOL_CALLS]',
  marks: ['[TOOL_CALLS]', '[ARGS]', '[CALL_ID]', '[THINK]', '[/THINK]'],
  createParser: (targets, opening) => new TaggedParser(syntax, targets, opening),
};

/** One array of calls. */
export const mistralArray: Family = {
  ...mistral,
  forcedCall: (name) => (name === null ? '[TOOL_CALLS][{"name": "' : `[TOOL_CALLS][{"name": "${name}`),
};
