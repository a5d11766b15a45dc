/** Shows a turn as it happens: thoughts dimmed, the answer plain, then one line of figures. */
import type { Response, ServerEvent } from '@longwire/protocol';
import type { Sink } from './io.ts';

/** Where a turn is shown. */
export interface ViewOptions {
  readonly out: Sink;
  /** Takes thoughts and figures; null keeps them back. */
  readonly notes: Sink | null;
  readonly colour: boolean;
  readonly nowMs: () => number;
}

/** The view of one turn. */
export class TurnView {
  readonly #options: ViewOptions;
  readonly #startMs: number;
  #firstTokenMs: number | null = null;
  #section: 'nothing' | 'thought' | 'answer' = 'nothing';
  #endsLine = true;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.#startMs = options.nowMs();
  }

  /** The next event of the turn. */
  show(event: ServerEvent): void {
    switch (event.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return this.#answer(event.delta);
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        return this.#think(event.delta);
      case 'response.output_item.done':
        if (event.item.type === 'function_call') {
          this.#note(`The model asks for the tool ${printable(event.item.name)}, which a chat does not have.`);
        }
        return;
      case 'response.completed':
      case 'response.incomplete':
        return this.#figures(event.response);
      default:
    }
  }

  /** The turn has ended, in whatever way: ends a line that it began. */
  end(): void {
    if (this.#endsLine) return;
    this.#endsLine = true;
    (this.#section === 'thought' ? this.#options.notes : this.#options.out)?.write('\n');
  }

  #answer(delta: string): void {
    this.#markToken();
    const { out } = this.#options;
    if (this.#section === 'thought') this.end();
    this.#section = 'answer';
    if (delta === '') return;
    // A terminal would obey escape sequences that a model writes; a file gets what it wrote.
    out.write(out.isTerminal ? printable(delta) : delta);
    this.#endsLine = delta.endsWith('\n');
  }

  #think(delta: string): void {
    this.#markToken();
    const { notes, colour } = this.#options;
    if (!notes || !colour || delta === '') return;
    if (this.#section === 'answer') this.end();
    this.#section = 'thought';
    notes.write(dim(printable(delta), colour));
    this.#endsLine = false;
  }

  #note(text: string): void {
    this.end();
    this.#options.notes?.write(`${dim(text, this.#options.colour)}\n`);
  }

  #markToken(): void {
    this.#firstTokenMs ??= this.#options.nowMs();
  }

  #figures({ usage, incomplete_details }: Response): void {
    const endMs = this.#options.nowMs();
    const parts: string[] = [];
    if (this.#firstTokenMs !== null) {
      parts.push(`${((this.#firstTokenMs - this.#startMs) / 1000).toFixed(2)} s to first token`);
    }
    if (usage) {
      const rate = tokensPerSecond(usage.output_tokens, endMs - (this.#firstTokenMs ?? endMs));
      if (rate !== null) parts.push(`${rate >= 100 ? Math.round(rate) : rate.toFixed(1)} tokens/s`);
      const cached = usage.input_tokens_details.cached_tokens;
      parts.push(`${usage.input_tokens} tokens in (${cached} cached)`, `${usage.output_tokens} out`);
    }
    const reason = incomplete_details?.reason;
    if (reason) parts.push(`cut short: ${reason}`);
    if (parts.length > 0) this.#note(parts.join(' · '));
  }
}

/** Text in the terminal's quiet colour. */
export function dim(text: string, colour: boolean): string {
  return colour ? `\u001b[2m${text}\u001b[22m` : text;
}

/** Without control characters but line breaks and tabs. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '');
}

/** The first token is what the rest is counted from. Null where there is nothing to divide. */
function tokensPerSecond(tokens: number, elapsedMs: number): number | null {
  return tokens > 1 && elapsedMs >= 1 ? ((tokens - 1) * 1000) / elapsedMs : null;
}
