import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  appendElements,
  elementBytes,
  elementBytesSince,
  emptyList,
  type EncodedList,
} from '../../../src/engine/http/encoded-list.ts';

function parse(views: readonly Buffer[]): unknown {
  return JSON.parse(`[${Buffer.concat(views).toString()}]`);
}

/** A tree of lists: each step goes on from any list made before, so that forks come at every depth. */
const steps = fc.array(
  fc.record({
    from: fc.nat(),
    added: fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 2000, maxLength: 9000 })), {
      maxLength: 4,
    }),
  }),
  { minLength: 1, maxLength: 30 },
);

describe('an encoded list', () => {
  it('holds what was appended to it, whatever was appended to others', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const lists: { list: EncodedList; elements: string[]; parent: number }[] = [
          { list: emptyList, elements: [], parent: 0 },
        ];
        for (const { from, added } of script) {
          const parent = from % lists.length;
          const base = lists[parent];
          if (!base) throw new Error('Out of range.');
          const list = appendElements(base.list, added);
          lists.push({ list, elements: [...base.elements, ...added], parent });
        }
        for (const { list, elements, parent } of lists) {
          expect(parse(elementBytes(list))).toEqual(elements);
          expect(list.count).toBe(elements.length);
          expect(Buffer.concat(elementBytes(list)).length).toBe(list.totalBytes);
          // From every ancestor on, exactly what came after it.
          for (let at = parent; ; at = lists[at]?.parent ?? 0) {
            const ancestor = lists[at];
            if (!ancestor) throw new Error('Out of range.');
            expect(parse(elementBytesSince(list, ancestor.list))).toEqual(elements.slice(ancestor.elements.length));
            if (at === 0) break;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('shares the bytes of its parent', () => {
    const parent = appendElements(emptyList, ['one']);
    const [first] = elementBytes(parent);
    const [longer] = elementBytes(appendElements(parent, ['two']));
    expect(longer?.buffer).toBe(first?.buffer);
    expect(longer?.byteOffset).toBe(first?.byteOffset);
  });

  it('fills its pages to the last byte before it opens another', () => {
    let list = emptyList;
    for (let turn = 0; turn < 200; turn++) list = appendElements(list, ['wörter '.repeat(300)]);
    const views = elementBytes(list);
    expect(views.length).toBeGreaterThan(10);
    for (const view of views.slice(0, -1)) expect(view.length).toBe(view.buffer.byteLength);
  });

  it('begins a fork with a small page, however long the parent is', () => {
    const trunk = appendElements(appendElements(emptyList, ['x'.repeat(500_000)]), ['more']);
    appendElements(trunk, ['left']);
    const fork = elementBytes(appendElements(trunk, ['right']));
    expect(fork.at(-1)?.buffer.byteLength).toBeLessThan(10_000);
  });
});
