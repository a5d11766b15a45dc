/** Reading outputs of models, whole and in pieces. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { EngineEvent } from '../../../src/engine/engine.ts';
import type { CallTargets, Family } from '../../../src/engine/chat-template/families/family.ts';

export const targets: CallTargets = new Map([
  ['get_weather', { kind: 'function', name: 'get_weather' }],
  ['files__read', { kind: 'function', name: 'read', namespace: 'files' }],
  [
    'plan_trip',
    {
      kind: 'function',
      name: 'plan_trip',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string' },
          days: { type: 'integer' },
          exact: { type: 'boolean' },
          stops: { type: 'array', items: {} },
          by: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        },
      },
    },
  ],
  ['apply_patch', { kind: 'custom', name: 'apply_patch' }],
]);

/** What neighbouring deltas of one kind come to. */
export interface Read {
  readonly kind: string;
  text: string;
}

export const said = (text: string): Read => ({ kind: 'text.delta', text });
export const thought = (text: string): Read => ({ kind: 'reasoning.delta', text });
export const called = (name: string, text: string): Read => ({ kind: `function .${name}`, text });
export const calledCustom = (name: string, text: string): Read => ({ kind: `custom .${name}`, text });

/** Neighbouring deltas of one kind as one entry. */
export function fold(events: readonly EngineEvent[]): Read[] {
  const entries: Read[] = [];
  let isOpen = false;
  for (const event of events) {
    const last = isOpen ? entries.at(-1) : undefined;
    isOpen = event.type !== 'item.end';
    if (event.type === 'call.start')
      entries.push({ kind: `${event.kind} ${event.namespace ?? ''}.${event.name}`, text: '' });
    else if (event.type === 'call.delta' && last !== undefined) last.text += event.delta;
    else if (event.type === 'text.delta' || event.type === 'reasoning.delta') {
      if (last?.kind === event.type) last.text += event.delta;
      else entries.push({ kind: event.type, text: event.delta });
    }
  }
  return entries;
}

/** What a family reads in these chunks. `opening`: what its template wrote in front. */
export function read(family: Family, chunks: readonly string[], tools = targets, opening = ''): Read[] {
  const parser = family.createParser(tools, opening);
  return fold([...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.finish()]);
}

/** What is read in an output; throws where it depends on how the output is cut: whole, by character, at random. */
export function readAnyway(family: Family, text: string, opening = ''): Read[] {
  const whole = read(family, [text], targets, opening);
  expect(read(family, text.split(''), targets, opening)).toEqual(whole);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 }), (sizes) => {
      const chunks: string[] = [];
      for (let at = 0, turn = 0; at < text.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        chunks.push(text.slice(at, at + size));
        at += size;
      }
      expect(read(family, chunks, targets, opening)).toEqual(whole);
    }),
    { numRuns: 40 },
  );
  return whole;
}
