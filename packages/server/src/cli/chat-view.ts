/** Shows an answer as it happens: thoughts dimmed, the words plain, calls of tools, and a line of figures for each turn. */
import type { RunEvent } from '@longwire/client';
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

/** Of a tool's output, so many lines are shown. */
const shownLines = 8;
/** And of a call's arguments, so many characters. */
const shownCharacters = 200;
/** So often the title of the terminal tells how it goes. */
const titleEveryMs = 250;

/** The view of one answer: turns of the model, and calls between them. */
export class TurnView {
  readonly #options: ViewOptions;
  #startMs: number;
  #firstTokenMs: number | null = null;
  #tokens = 0;
  #titleMs: number | null = null;
  #section: 'nothing' | 'thought' | 'answer' = 'nothing';
  #endsLine = true;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.#startMs = options.nowMs();
  }

  /** The next thing that happens. */
  show(event: RunEvent): void {
    switch (event.type) {
      case 'turn.start':
        if (event.step > 1) this.#restart();
        return;
      case 'model':
        return this.#showModel(event.event);
      case 'turn.end':
        return this.#figures(event.response);
      case 'tool.call':
        return this.#note(`> ${printable(event.call.name)} ${shorten(printable(event.call.arguments))}`);
      case 'tool.output': {
        const { output } = event;
        const lines = printable(typeof output === 'string' ? output : JSON.stringify(output)).split('\n');
        const more = lines.length > shownLines ? [`(${lines.length - shownLines} more lines)`] : [];
        return this.#note([...lines.slice(0, shownLines), ...more].map((line) => `  ${line}`).join('\n'));
      }
    }
  }

  #showModel(event: ServerEvent): void {
    switch (event.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return this.#answer(event.delta);
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        return this.#think(event.delta);
      default:
    }
  }

  /** Another turn of the model. */
  #restart(): void {
    this.#startMs = this.#options.nowMs();
    this.#firstTokenMs = null;
    this.#tokens = 0;
    if (this.#titleMs !== null) this.#titleMs = -Infinity;
  }

  /** The answer has ended, in whatever way. */
  end(): void {
    this.#endLine();
    if (this.#titleMs !== null) this.#options.notes?.write(toTitle(''));
  }

  #endLine(): void {
    if (this.#endsLine) return;
    this.#endsLine = true;
    (this.#section === 'thought' ? this.#options.notes : this.#options.out)?.write('\n');
  }

  #answer(delta: string): void {
    this.#markToken();
    const { out } = this.#options;
    if (this.#section === 'thought') this.#endLine();
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
    if (this.#section === 'answer') this.#endLine();
    this.#section = 'thought';
    notes.write(dim(printable(delta), colour));
    this.#endsLine = false;
  }

  #note(text: string): void {
    this.#endLine();
    this.#options.notes?.write(`${dim(text, this.#options.colour)}\n`);
  }

  #markToken(): void {
    this.#tokens += 1;
    const { notes, colour, nowMs } = this.#options;
    if (!notes?.isTerminal || !colour) {
      this.#firstTokenMs ??= nowMs();
      return;
    }
    const atMs = nowMs();
    this.#firstTokenMs ??= atMs;
    if (this.#titleMs !== null && atMs - this.#titleMs < titleEveryMs) return;
    this.#titleMs = atMs;
    const rate = tokensPerSecond(this.#tokens, atMs - this.#firstTokenMs);
    notes.write(toTitle([...(rate === null ? [] : [toRate(rate)]), this.#untilFirst(this.#firstTokenMs)].join(' · ')));
  }

  #untilFirst(firstTokenMs: number): string {
    return `${((firstTokenMs - this.#startMs) / 1000).toFixed(2)} s to first token`;
  }

  #figures({ usage, incomplete_details }: Response): void {
    const endMs = this.#options.nowMs();
    const parts: string[] = [];
    if (this.#firstTokenMs !== null) parts.push(this.#untilFirst(this.#firstTokenMs));
    if (usage) {
      const rate = tokensPerSecond(usage.output_tokens, endMs - (this.#firstTokenMs ?? endMs));
      if (rate !== null) parts.push(toRate(rate));
      const cached = usage.input_tokens_details.cached_tokens;
      parts.push(`${usage.input_tokens} tokens in (${cached} cached)`, `${usage.output_tokens} out`);
    }
    const reason = incomplete_details?.reason;
    if (reason) parts.push(`cut short: ${reason}`);
    if (parts.length > 0) this.#note(parts.join(' · '));
  }
}

function shorten(text: string): string {
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}

function toRate(tokensPerSecond: number): string {
  return `${tokensPerSecond >= 100 ? Math.round(tokensPerSecond) : tokensPerSecond.toFixed(1)} tokens/s`;
}

/** Sets the title of the terminal: the only place beside a text that streams by. */
function toTitle(text: string): string {
  return `\u001b]0;${text}\u0007`;
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
