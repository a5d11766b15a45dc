import type { Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { openItems, sealCompaction, sealReasoning } from '../../src/compaction/sealed-items.ts';
import { Sealer } from '../../src/compaction/sealer.ts';
import { SealingKeys } from '../../src/compaction/sealing-keys.ts';
import { thrownBy } from './thrown.ts';

const given = [Buffer.alloc(32, 7).toString('base64')];
const sealer = new Sealer(new SealingKeys({ given, path: '/nowhere/sealing.keys' }));
const binding = { project: 'alpha', model: 'small' };
const say = (role: 'user' | 'assistant' | 'developer', text: string): Item => ({
  type: 'message',
  role,
  content: text,
});
const call: Item = { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' };
const answer: Item = { type: 'function_call_output', call_id: 'call_1', output: 'seen' };
const kept = [say('developer', 'Be brief.'), say('user', 'Go.')];
const compaction: Item = {
  type: 'compaction',
  encrypted_content: sealCompaction(sealer, binding, { summary: 'All is well.', kept }),
};
const open = (items: readonly Item[], as = binding) => openItems(sealer, as, items);

function textOf(item: Item | undefined): string {
  if (item?.type !== 'message') return item?.type ?? 'nothing';
  return typeof item.content === 'string'
    ? item.content
    : item.content.map((part) => ('text' in part ? part.text : '')).join('');
}

describe('items without anything sealed', () => {
  it('are the same array', () => {
    const items = [say('user', 'Hi.'), call, answer];
    expect(open(items).items).toBe(items);
    expect(open(items).restarts).toBe(false);
  });
});

describe('a compaction item', () => {
  it('brings the messages that it kept and its summary, and the chain begins there', () => {
    const { items, restarts } = open([compaction, say('user', 'And now?')]);
    expect(restarts).toBe(true);
    expect(items.map(textOf)).toEqual(['Be brief.', 'Go.', expect.stringContaining('All is well.'), 'And now?']);
    expect(items.every((item) => item.type === 'message')).toBe(true);
  });

  it('yields to the window that a client put in front of it', () => {
    const { items } = open([say('developer', 'Be kind.'), say('user', 'One.'), compaction]);
    expect(items.map(textOf)).toEqual(['Be kind.', 'One.', expect.stringContaining('All is well.')]);
  });

  it('stands for a whole history in front of it', () => {
    const history = [say('developer', 'Be brief.'), say('user', 'Go.'), call, answer, say('assistant', 'Gone.')];
    const { items } = open([...history, compaction, say('user', 'And now?')]);
    expect(items).toEqual(open([compaction, say('user', 'And now?')]).items);
  });

  it('yields to a newer one', () => {
    const newer: Item = {
      type: 'compaction',
      encrypted_content: sealCompaction(sealer, binding, { summary: 'Newer.', kept: [] }),
    };
    const { items } = open([compaction, say('assistant', 'Old.'), newer, answer]);
    expect(items.map(textOf)).toEqual([expect.stringContaining('Newer.'), 'function_call_output']);
  });

  it.each([
    ['another project', compaction, { ...binding, project: 'beta' }, 'another project'],
    ['another model', compaction, { ...binding, model: 'large' }, 'another model'],
    ['another server', { ...compaction, encrypted_content: 'OPAQUE-SUMMARY' }, binding, 'not sealed by this server'],
    [
      'a cut item',
      { ...compaction, encrypted_content: compaction.encrypted_content.slice(0, -9) },
      binding,
      'cut or changed',
    ],
  ])('of %s is a clear error at its place', (_case, item, as, words) => {
    const error = thrownBy(() => open([say('user', 'Hi.'), item], as));
    expect(error).toMatchObject({
      entry: 'invalid_encrypted_content',
      status: 400,
      param: 'input[1].encrypted_content',
    });
    expect(error.message).toContain(words);
  });
});

const reasoning = (encrypted_content: string): Item => ({
  type: 'reasoning',
  id: 'rs_1',
  summary: [],
  encrypted_content,
});

describe('sealed reasoning', () => {
  const content = [{ type: 'reasoning_text' as const, text: 'Hm.' }];

  it('gets its text back, and no engine sees our seal', () => {
    const sealed = sealReasoning(sealer, binding, { content, encrypted_content: null });
    const { items, removed } = open([reasoning(sealed)]);
    expect(items).toEqual([{ type: 'reasoning', id: 'rs_1', summary: [], content }]);
    expect(removed).toEqual([]);
  });

  it('gets back what the engine itself had sealed', () => {
    const sealed = sealReasoning(sealer, binding, { content: [], encrypted_content: 'gAAAA-upstream' });
    expect(open([reasoning(sealed)]).items).toMatchObject([{ encrypted_content: 'gAAAA-upstream', content: [] }]);
  });

  it.each([
    ['this server cannot open', 'ENC1', 'organization_mismatch'],
    [
      'another project has',
      sealer.seal('reasoning', { ...binding, project: 'beta' }, content),
      'organization_mismatch',
    ],
    ['another model has written', sealer.seal('reasoning', { ...binding, model: 'large' }, content), 'model_mismatch'],
  ])('that %s is left out and reported', (_case, sealed, reason) => {
    const { items, removed, restarts } = open([reasoning(sealed), say('user', 'Hi.')]);
    expect(items.map(textOf)).toEqual(['Hi.']);
    expect(removed).toEqual([{ id: 'rs_1', type: 'reasoning', action: 'removed', reason }]);
    expect(restarts).toBe(false);
  });
});

it('gives no engine a compaction trigger', () => {
  expect(open([say('user', 'Hi.'), { type: 'compaction_trigger' }]).items.map(textOf)).toEqual(['Hi.']);
});
