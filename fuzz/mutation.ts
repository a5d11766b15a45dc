/** Right frames made wrong: one place of a JSON tree, or of its text. */
import type { Random } from './random.ts';

/** A JSON tree. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Names that mean something to an object's prototype, or to the protocol. */
const oddNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'toJSON',
  'then',
  'length',
  '',
  '0',
  'type',
  'id',
  'stream_id',
  'previous_response_id',
  'call_id',
  'error',
  'input',
  'generate',
  'store',
];

/** Stand for JSON that no value makes: replaced in the text. */
const textual = {
  huge: '@@huge@@',
  deep: '@@deep@@',
  deeper: '@@deeper@@',
  infinite: '@@infinite@@',
  precise: '@@precise@@',
  minusZero: '@@minusZero@@',
  twice: '@@twice@@',
} as const;

const texts: Readonly<Record<string, string>> = {
  [textual.huge]: JSON.stringify('x'.repeat(40_000)),
  [textual.deep]: `${'['.repeat(300)}${']'.repeat(300)}`,
  [textual.deeper]: `${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`,
  [textual.infinite]: '1e999',
  [textual.precise]: '123456789012345678901234567890.000000000000000000000001',
  [textual.minusZero]: '-0',
  [textual.twice]: '1,"type":"message","type":"response.create","__proto__":{"polluted":true}',
};

function oddValue(random: Random): Json {
  switch (random.below(12)) {
    case 0:
      return null;
    case 1:
      return random.pick([true, false]);
    case 2:
      return random.pick([0, -1, 1, 2.5, 1e308, Number.MAX_SAFE_INTEGER, -(2 ** 53), 5e-324, 256, 65_536]);
    case 3:
      return random.text(random.below(20));
    case 4:
      return random.text(random.pick([63, 64, 65, 256, 257, 512, 513, 2000]));
    case 5:
      return random.pick([[], {}, [[]], [null], '', [{}]]);
    case 6:
      return Object.fromEntries([[random.pick(oddNames), random.text(3)]]);
    case 7:
      return random.once(20) ? random.pick([textual.huge, textual.deeper]) : textual.deep;
    case 8:
      return random.pick([textual.infinite, textual.precise, textual.minusZero]);
    case 9:
      return random.once(4) ? textual.twice : random.text(4);
    case 10:
      return random.pick([
        'message',
        'function_call',
        'function_call_output',
        'reasoning',
        'item_reference',
        'compaction',
      ]);
    default:
      return `resp_${random.text(3)}`;
  }
}

/** Changes one place of `value` in place. Which one is random: big branches are as likely as small ones. */
function changeSomewhere(value: Json, random: Random): void {
  let at = value;
  for (;;) {
    if (typeof at !== 'object' || at === null) return;
    const keys = Object.keys(at);
    const holder = at as Record<string, Json>;
    const key = keys.length > 0 ? random.pick(keys) : undefined;
    const inside = key === undefined ? null : holder[key];
    if (key !== undefined && typeof inside === 'object' && inside !== null && !random.once(3)) {
      at = inside as Json;
      continue;
    }
    return changeHere(holder, key, random);
  }
}

function changeHere(holder: Record<string, Json>, key: string | undefined, random: Random): void {
  const set = (name: string, value: Json) =>
    Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
  if (key === undefined || random.once(4)) {
    if (Array.isArray(holder)) holder.push(oddValue(random));
    else set(random.pick(oddNames), oddValue(random));
    return;
  }
  const value = holder[key] as Json;
  switch (random.below(5)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 1:
      return void set(key, [value]);
    case 2:
      return void set(key, typeof value === 'string' ? value.slice(random.below(value.length + 1)) : oddValue(random));
    case 3:
      if (Array.isArray(holder)) holder.push(...Array.from({ length: random.below(30) }, () => structuredClone(value)));
      else set(random.pick(oddNames), value);
      return;
    default:
      set(key, oddValue(random));
  }
}

/** The JSON of a copy of `value` with some places changed. */
export function mutate(value: Json, random: Random, places: number): string {
  const copy = structuredClone(value);
  for (let i = 0; i < places; i++) changeSomewhere(copy, random);
  return JSON.stringify(copy).replace(/"@@\w+@@"/g, (name) => texts[name.slice(1, -1)] ?? name);
}

/** The text with some characters changed, dropped or doubled: seldom JSON any more. */
export function scramble(text: string, random: Random): string {
  let changed = text;
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(changed.length + 1);
    const [head, tail] = [changed.slice(0, at), changed.slice(at + random.below(3))];
    changed = random.once(3) ? head : head + random.text(random.below(3)) + tail;
  }
  return changed;
}
