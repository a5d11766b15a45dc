/** One tool call while it streams, told as events of the tool that it is for. */
import { createCallId } from '@longwire/protocol';
import type { EngineEvent } from '../engine.ts';
import { toClientItem } from './client-tools.ts';
import { CustomInputDecoder } from './custom-input.ts';
import type { ToolOrigin, ToolTable } from './tools.ts';

export class StreamedCall {
  readonly #table: ToolTable;
  /** The upstream's own id, where it gave one. */
  readonly id: string | null;
  #name = '';
  #arguments = '';
  /** How much of the arguments has been told. */
  #told = 0;
  #input: CustomInputDecoder | null = null;
  #origin: ToolOrigin | null = null;

  constructor(table: ToolTable, id: string | null) {
    this.#table = table;
    this.id = id;
  }

  get name(): string {
    return this.#name;
  }

  /** Takes in one delta. A name that is said again is not appended. */
  append(name: string, argumentsDelta: string): void {
    if (this.#name === '') this.#name = name;
    this.#arguments += argumentsDelta;
  }

  /** Whether the arguments are a whole object: nothing but white space can follow. */
  isWhole(): boolean {
    if (this.#name === '' || !/\}\s*$/.test(this.#arguments.slice(-16))) return false;
    try {
      JSON.parse(this.#arguments);
      return true;
    } catch {
      return false;
    }
  }

  /** What has come in since the last time. Nothing before the name is known, nor for tools that are told as a whole. */
  take(): EngineEvent[] {
    if (this.#name === '') return [];
    const events: EngineEvent[] = [];
    if (!this.#origin) {
      this.#origin = this.#table.get(this.#name)?.origin ?? { kind: 'function', name: this.#name };
      if (this.#origin.kind !== 'client') events.push(this.#start(this.#origin));
    }
    if (this.#origin.kind === 'client') return events;
    const delta = this.#arguments.slice(this.#told);
    this.#told = this.#arguments.length;
    const told = this.#origin.kind === 'custom' ? (this.#input ??= new CustomInputDecoder()).push(delta) : delta;
    if (told !== '') events.push({ type: 'call.delta', delta: told });
    return events;
  }

  /** The rest, when nothing more will come. */
  close(): EngineEvent[] {
    const events = this.take();
    if (this.#origin?.kind === 'client') return [...events, ...this.#whole(this.#origin)];
    if (this.#origin?.kind === 'custom') {
      const rest = this.#input?.end() ?? '';
      if (rest !== '') events.push({ type: 'call.delta', delta: rest });
    } else if (this.#arguments === '') {
      // Some servers say nothing for a function without parameters; clients parse what they get.
      events.push({ type: 'call.delta', delta: '{}' });
    }
    return events;
  }

  #start(named: Exclude<ToolOrigin, { kind: 'client' }>): EngineEvent {
    const { kind, name, namespace } = named;
    return {
      type: 'call.start',
      kind,
      name,
      ...(namespace !== undefined && { namespace }),
      ...(this.id !== null && { callId: this.id }),
    };
  }

  #whole(origin: Extract<ToolOrigin, { kind: 'client' }>): EngineEvent[] {
    const item = toClientItem(origin.type, this.#arguments, this.id ?? createCallId());
    if (item) return [{ type: 'item', item }];
    return [this.#start({ kind: 'function', name: this.#name }), { type: 'call.delta', delta: this.#arguments }];
  }
}
