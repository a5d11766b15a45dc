import { resolveSettings } from '@longwire/protocol';
import type { CreateRequest, Tool, ToolChoice } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { Offers, type Offer } from '../../../src/engine/token-chain/offers.ts';

const tool = (description: string, name = 'shell'): Tool => ({
  type: 'function',
  name,
  description,
  strict: false,
  parameters: { type: 'object', properties: { command: { type: 'string', enum: ['a', 'b'] } }, required: ['command'] },
});

/** Every request is parsed from a frame of its own. */
function ask(offers: Offers, fields: Partial<CreateRequest>): Offer {
  const { instructions = null, tools = [], ...rest } = JSON.parse(JSON.stringify(fields)) as Partial<CreateRequest>;
  return offers.of({ instructions, tools }, resolveSettings({ input: [], ...rest }));
}

describe('offers', () => {
  const request = { instructions: 'Be brief.', tools: [tool('Runs a command.')] };

  it('are one object for requests that say the same', () => {
    const offers = new Offers(false, 4);
    const offer = ask(offers, request);
    expect(ask(offers, { ...request, tools: [tool('Runs commands.')] })).not.toBe(offer);
    expect(ask(offers, request)).toBe(offer);
    expect(offer.variables.tools.map(({ function: { name } }) => name)).toEqual(['shell']);
  });

  it.each<[string, Partial<CreateRequest>]>([
    ['other instructions', { instructions: 'Be kind.' }],
    ['no instructions', { instructions: null }],
    ['another description', { tools: [tool('Runs commands.')] }],
    ['one tool more', { tools: [tool('Runs a command.'), tool('Reads.', 'read')] }],
    ['a value less in a schema', { tools: [{ ...tool('Runs a command.'), parameters: { enum: ['a'] } } as Tool] }],
    ['no tools', { tools: [] }],
    ['no reasoning', { reasoning: { effort: 'none' } }],
  ])('differ by %s, and so do their preambles', (_, change) => {
    const offers = new Offers(false, 4);
    const [one, other] = [ask(offers, request), ask(offers, { ...request, ...change })];
    expect(other).not.toBe(one);
    expect(other.preambleId).not.toBe(one.preambleId);
  });

  it('have the same preamble where the template is told the same', () => {
    const offers = new Offers(false, 4);
    const all = {
      type: 'allowed_tools',
      mode: 'auto',
      tools: [{ type: 'function', name: 'shell' }],
    } as unknown as ToolChoice;
    const [free, named] = [ask(offers, request), ask(offers, { ...request, tool_choice: all })];
    expect(named).not.toBe(free);
    expect(named.preambleId).toBe(free.preambleId);
    expect(ask(offers, { ...request, tool_choice: 'none' }).variables.tools).toEqual([]);
  });

  it('are forgotten, the one used longest ago first', () => {
    const offers = new Offers(false, 2);
    const [one] = [ask(offers, { instructions: '1' }), ask(offers, { instructions: '2' })];
    expect(ask(offers, { instructions: '1' })).toBe(one);
    ask(offers, { instructions: '3' });
    expect(ask(offers, { instructions: '1' })).toBe(one);
    ask(offers, { instructions: '2' });
    ask(offers, { instructions: '3' });
    expect(ask(offers, { instructions: '1' })).not.toBe(one);
  });
});
