/** The output of a response while its events come in: every family of items (dossier C.2). */
import type { OutputPart, SummaryText } from './content.ts';
import { errors } from './errors.ts';
import { type FoldedItems, blankItems, blankParts, createShellOutput } from './folded-item.ts';
import type { OutputItem } from './items/unions.ts';
import { copyJson } from './json.ts';
import type { ServerEvent } from './server-events.ts';

/** Items in the order of their `output_index`, which may have gaps in a sparse stream. */
export class FoldedOutput {
  /** The same array for as long as the fold lives. */
  readonly items: OutputItem[] = [];
  readonly #indexes: number[] = [];

  /** Replaces everything, as a terminal event does that carries the whole output. */
  replace(items: readonly OutputItem[]): void {
    const copies = items.map(copyJson);
    this.items.length = 0;
    this.#indexes.length = 0;
    for (const [index, item] of copies.entries()) this.#put(index, item);
  }

  /** Takes in an event of an item; events that say nothing about items are left alone. */
  apply(event: ServerEvent): void {
    switch (event.type) {
      case 'response.output_item.added':
      case 'response.output_item.done':
        return this.#put(event.output_index, copyJson(event.item));
      case 'response.content_part.added':
      case 'response.content_part.done':
        return put(this.#parts(event, event.part.type), event.content_index, copyJson(event.part));

      case 'response.output_text.delta': {
        const part = this.#part(event, 'output_text');
        part.text += event.delta;
        if (event.logprobs?.length) (part.logprobs ??= []).push(...copyJson(event.logprobs));
        return;
      }
      case 'response.output_text.done': {
        const part = this.#part(event, 'output_text');
        part.text = event.text;
        if (event.logprobs?.length) part.logprobs = copyJson(event.logprobs);
        return;
      }
      case 'response.output_text.annotation.added': {
        if (event.annotation === null) return;
        put(this.#part(event, 'output_text').annotations, event.annotation_index, copyJson(event.annotation));
        return;
      }
      case 'response.refusal.delta':
        this.#part(event, 'refusal').refusal += event.delta;
        return;
      case 'response.refusal.done':
        this.#part(event, 'refusal').refusal = event.refusal;
        return;
      case 'response.reasoning_text.delta':
        this.#part(event, 'reasoning_text').text += event.delta;
        return;
      case 'response.reasoning_text.done':
        this.#part(event, 'reasoning_text').text = event.text;
        return;

      case 'response.reasoning_summary_part.added':
      case 'response.reasoning_summary_part.done':
        return put(this.#item(event, 'reasoning').summary, event.summary_index, copyJson(event.part));
      case 'response.reasoning_summary_text.delta':
        this.#summary(event).text += event.delta;
        return;
      case 'response.reasoning_summary_text.done':
        this.#summary(event).text = event.text;
        return;

      case 'response.function_call_arguments.delta':
        this.#item(event, 'function_call').arguments += event.delta;
        return;
      case 'response.function_call_arguments.done':
        this.#item(event, 'function_call').arguments = event.arguments;
        return;
      case 'response.custom_tool_call_input.delta':
        this.#item(event, 'custom_tool_call').input += event.delta;
        return;
      case 'response.custom_tool_call_input.done':
        this.#item(event, 'custom_tool_call').input = event.input;
        return;
      case 'response.mcp_call_arguments.delta':
        this.#item(event, 'mcp_call').arguments += event.delta;
        return;
      case 'response.mcp_call_arguments.done':
        this.#item(event, 'mcp_call').arguments = event.arguments;
        return;
      case 'response.code_interpreter_call_code.delta': {
        const item = this.#item(event, 'code_interpreter_call');
        item.code = (item.code ?? '') + event.delta;
        return;
      }
      case 'response.code_interpreter_call_code.done':
        this.#item(event, 'code_interpreter_call').code = event.code;
        return;

      case 'response.shell_call_command.added':
      case 'response.shell_call_command.done':
        return put(this.#commands(event), event.command_index, event.command);
      case 'response.shell_call_command.delta': {
        const commands = this.#commands(event);
        return put(commands, event.command_index, (commands[event.command_index] ?? '') + event.delta);
      }
      case 'response.shell_call_output_content.delta': {
        const { output } = this.#item(event, 'shell_call_output');
        const printed = at(output, event.command_index, createShellOutput);
        printed.stdout += event.delta.stdout ?? '';
        printed.stderr += event.delta.stderr ?? '';
        return;
      }
      case 'response.shell_call_output_content.done': {
        const { output } = this.#item(event, 'shell_call_output');
        output.splice(event.command_index, 1, ...copyJson(event.output));
        return;
      }
      default:
        return this.#progress(event);
    }
  }

  /** Progress of hosted tools that shows in the item's status. Nothing is made up for an item that has not been announced. */
  #progress(event: ServerEvent): void {
    switch (event.type) {
      case 'response.web_search_call.in_progress':
      case 'response.file_search_call.in_progress':
      case 'response.code_interpreter_call.in_progress':
      case 'response.image_generation_call.in_progress':
      case 'response.mcp_call.in_progress':
        return this.#setStatus(event.output_index, 'in_progress');
      case 'response.web_search_call.searching':
      case 'response.file_search_call.searching':
        return this.#setStatus(event.output_index, 'searching');
      case 'response.code_interpreter_call.interpreting':
        return this.#setStatus(event.output_index, 'interpreting');
      case 'response.image_generation_call.generating':
        return this.#setStatus(event.output_index, 'generating');
      case 'response.web_search_call.completed':
      case 'response.file_search_call.completed':
      case 'response.code_interpreter_call.completed':
      case 'response.image_generation_call.completed':
      case 'response.mcp_call.completed':
        return this.#setStatus(event.output_index, 'completed');
      case 'response.mcp_call.failed':
        return this.#setStatus(event.output_index, 'failed');
      default:
    }
  }

  #setStatus(index: number, status: string): void {
    const item = this.items[this.#indexes.indexOf(index)];
    if (item) Object.assign(item, { status });
  }

  #put(index: number, item: OutputItem): void {
    const place = this.#indexes.findLastIndex((known) => known <= index);
    if (this.#indexes[place] === index) {
      this.items[place] = item;
    } else {
      this.items.splice(place + 1, 0, item);
      this.#indexes.splice(place + 1, 0, index);
    }
  }

  /** The item that an event speaks of, an empty one of its family where `output_item.added` did not come. */
  #item<T extends keyof FoldedItems>({ output_index, item_id }: ItemEvent, type: T): FoldedItems[T] {
    const known = this.items[this.#indexes.lastIndexOf(output_index)];
    if (known === undefined) {
      const blank = blankItems[type](item_id);
      this.#put(output_index, blank);
      return blank;
    }
    if (known.type !== type) throw errors.invalidValue('output_index', `item ${output_index} is no ${type}.`);
    return known as FoldedItems[T];
  }

  #part<T extends OutputPart['type']>(event: PartEvent, type: T): Extract<OutputPart, { type: T }> {
    const part = at(this.#parts(event, type), event.content_index, blankParts[type]);
    if (part.type !== type) throw errors.invalidValue('content_index', `part ${event.content_index} is no ${type}.`);
    return part as Extract<OutputPart, { type: T }>;
  }

  /** The parts of a message, or of reasoning where the part is of that kind. */
  #parts(event: ItemEvent, type: OutputPart['type']): OutputPart[] {
    if (type !== 'reasoning_text') return this.#item(event, 'message').content;
    return (this.#item(event, 'reasoning').content ??= []);
  }

  #summary(event: ItemEvent & { summary_index: number }): SummaryText {
    const { summary } = this.#item(event, 'reasoning');
    return at(summary, event.summary_index, () => ({ type: 'summary_text', text: '' }));
  }

  /** These events have no `item_id`. */
  #commands({ output_index }: { output_index: number }): string[] {
    return this.#item({ output_index, item_id: '' }, 'shell_call').action.commands;
  }
}

interface ItemEvent {
  output_index: number;
  item_id: string;
}

interface PartEvent extends ItemEvent {
  content_index: number;
}

/** The element at `index`, a new one if it is the next. */
function at<T>(list: T[], index: number, create: () => T): T {
  if (index === list.length) list.push(create());
  const element = list[index];
  if (element === undefined) throw errors.invalidValue('index', `expected at most ${list.length}, but got ${index}.`);
  return element;
}

/** Sets the element at `index`, which may be the next. */
function put<T>(list: T[], index: number, element: T): void {
  if (index > list.length) throw errors.invalidValue('index', `expected at most ${list.length}, but got ${index}.`);
  list[index] = element;
}
