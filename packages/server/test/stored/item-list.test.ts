import type { Includable, Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { pageOf, toItemList, toListedItem } from '../../src/transport/routes/item-list.ts';

const image = 'data:image/png;base64,AAAA';

describe('a listed item holds what is large only where it was asked for', () => {
  it.each<[Includable, Item]>([
    [
      'message.input_image.image_url',
      {
        type: 'message',
        id: 'msg_1',
        role: 'user',
        status: 'completed',
        content: [{ type: 'input_image', detail: 'auto', image_url: image }],
      },
    ],
    [
      'message.output_text.logprobs',
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [
          {
            type: 'output_text',
            text: 'x',
            annotations: [],
            logprobs: [{ token: image, bytes: [], logprob: 0, top_logprobs: [] }],
          },
        ],
      },
    ],
    ['reasoning.encrypted_content', { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: image }],
    [
      'computer_call_output.output.image_url',
      {
        type: 'computer_call_output',
        id: 'cco_1',
        call_id: 'call_1',
        output: { type: 'computer_screenshot', image_url: image },
      },
    ],
    ['file_search_call.results', opaque('file_search_call', { queries: [], results: [{ text: image }] })],
    ['web_search_call.results', opaque('web_search_call', { results: [{ text: image }] })],
    ['web_search_call.action.sources', opaque('web_search_call', { action: { type: 'search', sources: [image] } })],
    ['code_interpreter_call.outputs', opaque('code_interpreter_call', { outputs: [{ type: 'image', url: image }] })],
  ])('%s', (name, item) => {
    expect(toListedItem(item, new Set([name]))).toEqual(item);
    const plain = toListedItem(item, new Set());
    expect(JSON.stringify(plain)).not.toContain(image);
    expect(plain).toMatchObject({ type: item.type, id: 'id' in item ? item.id : null });
    // What is stored stays whole.
    expect(JSON.stringify(item)).toContain(image);
  });
});

describe('pages', () => {
  const items = Array.from({ length: 7 }, (_, n): Item => ({
    type: 'message',
    id: `msg_${n}`,
    role: 'user',
    content: 'x',
  }));

  it.each(['asc', 'desc'] as const)('put together are the list (%s)', (order) => {
    const whole = order === 'asc' ? items : items.toReversed();
    for (let limit = 1; limit <= 8; limit++) {
      const read: Item[] = [];
      for (let after: string | null = null; ;) {
        const page = toItemList(pageOf(items, { after, limit, order }) ?? [], { limit });
        read.push(...page.data);
        expect(page.last_id).toBe((page.data.at(-1) as { id?: string } | undefined)?.id ?? null);
        if (!page.has_more) break;
        after = page.last_id;
      }
      expect(read).toEqual(whole);
    }
  });

  it('behind what is not there are none', () => {
    expect(pageOf(items, { after: 'msg_x', limit: 3, order: 'asc' })).toBeNull();
    expect(toItemList([], { limit: 3 })).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
  });
});

function opaque(type: string, fields: object): Item {
  return { type, id: 'id_1', status: 'completed', ...fields } as Item;
}
