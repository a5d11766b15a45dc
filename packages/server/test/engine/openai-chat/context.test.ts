import type { Item } from '@longwire/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createContext, messageBytes, type ChatContext } from '../../../src/engine/openai-chat/context.ts';
import { createOpenAIChatEngine } from '../../../src/engine/openai-chat/openai-chat.ts';

const engine = createOpenAIChatEngine({ name: 'up', baseUrl: 'http://127.0.0.1:9/v1' });

const user = (text: string): Item => ({ type: 'message', role: 'user', content: text });
const textOf = (context: ChatContext): string => Buffer.concat(messageBytes(context)).toString();

const image = { type: 'input_image' as const, image_url: 'data:,1' };
const anyItem: fc.Arbitrary<Item> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 3000 }).map(user),
  fc.string().map((text): Item => ({ type: 'message', role: 'assistant', content: text })),
  fc.string().map((text): Item => ({ type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text }] })),
  fc.string({ minLength: 1 }).map((id): Item => ({ type: 'function_call', call_id: id, name: 'f', arguments: '{}' })),
  fc.string({ minLength: 1 }).map((id): Item => ({ type: 'function_call_output', call_id: id, output: [image] })),
  fc.constant<Item>({ type: 'function_call_output', call_id: 'c', output: 'done' }),
);

describe('a context', () => {
  it('says the same however its items were cut into requests', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyItem, { maxLength: 5 }), { maxLength: 8 }), (turns) => {
        let cut: ChatContext | null = null;
        for (const items of turns) cut = engine.extend(cut, items);
        const whole = engine.extend(null, turns.flat());
        expect(textOf(cut ?? createContext('r'))).toBe(textOf(whole));
        expect(() => JSON.parse(`[${textOf(whole)}]`)).not.toThrow();
      }),
    );
  });

  it('stays as it was when others grow from it, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), anyItem), { maxLength: 20 }), (steps) => {
        const tree: { context: ChatContext; text: string }[] = [{ context: createContext('r'), text: '' }];
        for (const [at, item] of steps) {
          const parent = tree[at % tree.length];
          if (!parent) throw new Error('The tree has a root.');
          const context = engine.extend(parent.context, [item]);
          tree.push({ context, text: textOf(context) });
        }
        for (const { context, text } of tree) expect(textOf(context)).toBe(text);
      }),
    );
  });

  it('writes its bytes behind those of its parent, and copies none', () => {
    const first = engine.extend(null, [user('one')]);
    const second = engine.extend(first, [user('two')]);
    const [before] = messageBytes(first);
    const [after] = messageBytes(second);
    expect(after?.buffer).toBe(before?.buffer);
    expect(after?.toString()).toBe('{"role":"user","content":"one"},{"role":"user","content":"two"}');
    expect(second.messages.totalBytes).toBe(after?.length);
  });

  it('shares the parent and opens a page of its own when it is a fork', () => {
    const parent = engine.extend(null, [user('one')]);
    const left = messageBytes(engine.extend(parent, [user('left')]));
    const right = messageBytes(engine.extend(parent, [user('right')]));
    expect(left).toHaveLength(1);
    expect(right).toHaveLength(2);
    expect(right[0]?.buffer).toBe(left[0]?.buffer);
    expect(Buffer.concat(right).toString()).toBe('{"role":"user","content":"one"},{"role":"user","content":"right"}');
  });

  it('needs few pages for a long history', () => {
    let context = engine.extend(null, [user('start')]);
    for (let turn = 0; turn < 450; turn++) context = engine.extend(context, [user('x'.repeat(1000))]);
    expect(context.messages.totalBytes).toBeGreaterThan(450_000);
    expect(messageBytes(context).length).toBeLessThan(16);
  });

  it('is left alone by items that are refused', () => {
    const parent = engine.extend(null, [user('one')]);
    expect(() => engine.extend(parent, [user('two'), { type: 'compaction', encrypted_content: 'x' }])).toThrow(
      /compaction/,
    );
    expect(textOf(engine.extend(parent, [user('three')]))).not.toContain('two');
  });

  it('keeps the name of its tree', () => {
    const first = engine.extend(null, [user('one')]);
    expect(engine.extend(first, [user('two')]).root).toBe(first.root);
    expect(engine.extend(null, [user('one')]).root).not.toBe(first.root);
  });
});
