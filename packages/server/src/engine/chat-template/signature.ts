/**
 * What an output says, as one string: computed from a generation's events and from the items that came of them, equal when
 * those items are that generation. Reasoning does not count: servers may hold it back.
 */
import type { Item } from '@longwire/protocol';
import type { EngineEvent } from '../engine.ts';
import { writtenIdOf } from './call-id.ts';
import { toMessageText } from './messages.ts';

/** Of a call: its namespace, its name, what it was called with, and the id that the model wrote, if any. */
type Entry = ['text', string] | ['call', string, string, string, string | null];

/** Signature of the items of an output; unequal to every generation's where an item is not a message or a call. */
export function toOutputSignature(items: readonly Item[]): string {
  const entries: Entry[] = [];
  for (const item of items) {
    if (item.type === 'message' && item.role === 'assistant') entries.push(['text', toMessageText(item)]);
    else if (item.type === 'function_call') entries.push(toEntry(item, item.arguments));
    else if (item.type === 'custom_tool_call') entries.push(toEntry(item, item.input));
    else if (item.type !== 'reasoning') return '';
  }
  return JSON.stringify(entries);
}

function toEntry(call: { namespace?: string | null; name: string; call_id: string }, said: string): Entry {
  return ['call', call.namespace ?? '', call.name, said, writtenIdOf(call.call_id)];
}

/** Gathers the signature of a generation from its events. */
export class OutputSignature {
  readonly #entries: Entry[] = [];
  #open: Entry | null = null;

  apply(event: EngineEvent): void {
    if (event.type === 'text.delta') {
      if (this.#open?.[0] !== 'text') this.#start(['text', '']);
      this.#append(event.delta);
    } else if (event.type === 'call.start') {
      this.#start(toEntry({ ...event, call_id: event.callId ?? '' }, ''));
    } else if (event.type === 'call.delta') {
      this.#append(event.delta);
    } else {
      this.#open = null;
    }
  }

  /** The signature up to here, to be written out when it is asked for. */
  snapshot(): () => string {
    const entries = this.#entries.map((entry): Entry => [...entry]);
    return () => JSON.stringify(entries);
  }

  #start(entry: Entry): void {
    this.#entries.push(entry);
    this.#open = entry;
  }

  #append(delta: string): void {
    const entry = this.#open;
    if (entry?.[0] === 'text') entry[1] += delta;
    else if (entry?.[0] === 'call') entry[3] += delta;
  }
}
