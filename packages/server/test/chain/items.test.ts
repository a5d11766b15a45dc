import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Item } from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeItems } from '../../src/chain/items.ts';

/** Items as a client may send them: fields that nobody has heard of hold any JSON. */
const item = fc
  .record({ content: fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), extra: fc.jsonValue() })
  .map((fields) => ({ type: 'message', role: 'user', ...fields }) as unknown as Item);
const nodes = fc.array(fc.tuple(fc.array(item, { maxLength: 3 }), fc.array(item, { maxLength: 3 })), { minLength: 1 });

const message = (content: string): Item => ({ type: 'message', role: 'user', content });
const holding = (extra: unknown): Item => ({ ...message(''), extra }) as Item;

function itemsOf(input: readonly Item[], output: readonly Item[] = []): NodeItems {
  return new NodeItems(input, output as never);
}

describe('packed items', () => {
  it('say what they said, whatever stood in the text beside them', () => {
    fc.assert(
      fc.property(nodes, fc.boolean(), (sections, hasText) => {
        const all = sections.map(([input, output]) => itemsOf(input, output));
        const text = hasText ? [Buffer.from(JSON.stringify(sections[0])), Buffer.from('and more')] : [];
        NodeItems.pack(all, text);
        const read = all.map(({ input, output }) => [input, output]);
        expect(JSON.stringify(read)).toBe(JSON.stringify(sections));
        expect(read[0]?.[0]).not.toBe(sections[0]?.[0]);
      }),
    );
  });

  it.each([
    ['a lone surrogate', ['\ud800', 'a\udc00b']],
    ['other scripts', ['日本語のテキスト', 'Ελληνικά', '👩‍👩‍👧']],
    ['a number that is written otherwise', [1e21, -1.5e-7, 0.1]],
    ['names that objects have', JSON.parse('{"__proto__":{"constructor":1},"toString":null,"10":1,"9":2}')],
    ['a text of two megabytes', 'wörter '.repeat(300_000)],
    ['a deep nest', JSON.parse('['.repeat(2000) + ']'.repeat(2000))],
    ['nothing', []],
  ])('hold %s', (_name, extra) => {
    const items = itemsOf([holding(extra)]);
    NodeItems.pack([items], []);
    expect(items.isLoose).toBe(false);
    expect(items.input).not.toBe(items.output);
    expect(JSON.stringify(items.input)).toBe(JSON.stringify([holding(extra)]));
    expect((items.input[0] as unknown as { extra: unknown }).extra).toEqual(extra);
  });

  it('stay as they are where JSON cannot write them', () => {
    const nest: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    const input = [holding(nest)];
    const items = itemsOf(input);
    NodeItems.pack([items, itemsOf([])], []);
    expect(items.input).toBe(input);
  });

  it('are unpacked once for all who read in one go', () => {
    const all = ['one', 'two'].map((text) => itemsOf([message(text)]));
    NodeItems.pack(all, []);
    expect(all.map(({ input }) => input)).toEqual([[message('one')], [message('two')]]);
    expect(all[0]?.input).toBe(all[0]?.input);
  });
});

describe('the memory of packed items', () => {
  it('holds nothing again that stands in the text, however long it is', async () => {
    let state = 1;
    const word = (): string => (state = (state * 48_271) % 2_147_483_647).toString(36);
    const items = Array.from({ length: 1000 }, () => message(Array.from({ length: 160 }, word).join(' ')));
    const text = [Buffer.from(JSON.stringify(items.map((each) => ({ role: 'user', said: each }))))];
    const before = await heldBytes();
    const node = itemsOf(items);
    NodeItems.pack([node], text);
    expect((await heldBytes()) - before).toBeLessThan(0.1 * (text[0]?.length ?? 0));
    expect(node.input).toEqual(items);
  });

  it('holds neither the objects nor what was unpacked, and goes with the last node', async () => {
    const { sections, unpacked, text, nodes: held } = packedOne();
    expect(await collected(sections)).toBe(true);
    expect(await collected(unpacked)).toBe(true);
    expect(await collected(text)).toBe(false);
    held.pop();
    expect(await collected(text)).toBe(false);
    held.pop();
    expect(await collected(text)).toBe(true);
  });
});

/** Two packed nodes, and what they must not keep alive. In a function of its own: nothing of it stays on the stack. */
function packedOne(): Record<'sections' | 'unpacked' | 'text', WeakRef<object>> & { nodes: NodeItems[] } {
  const input = [message('words')];
  const text = [Buffer.from('words')];
  const all = [itemsOf(input), itemsOf([])];
  NodeItems.pack(all, text);
  const [first] = all;
  if (!first) throw new Error('Nothing was packed.');
  return {
    sections: new WeakRef(input),
    unpacked: new WeakRef(first.input),
    text: new WeakRef(text),
    nodes: all,
  };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Of buffers. The collector hands them back over a few turns of the loop. */
async function heldBytes(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().arrayBuffers;
}

async function collected(ref: WeakRef<object>): Promise<boolean> {
  // What a WeakRef has shown is kept until the job ends.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  return ref.deref() === undefined;
}
