/** The benchmark's own template and walk: what they measure must be what the engines do. */
import { expect, test } from 'vitest';
import { reasoningTemplate } from '../../../../bench/prompt/templates.ts';
import { loadDemoTokenizer } from '../../../../bench/prompt/vocabulary.ts';
import { PromptWalk } from '../../../../bench/prompt/walk.ts';
import { loadWorkload } from '../../../../bench/workloads/load.ts';
import { createChatTemplate } from '../../src/engine/chat-template/template.ts';

test('every prompt of a walk is made of pieces, and has the tokens of the whole history', async () => {
  await using demo = await loadDemoTokenizer();
  const airline = loadWorkload('airline-27');
  for (const source of [demo.chatTemplate, reasoningTemplate]) {
    const template = await createChatTemplate(source, demo.vocabulary);
    const walk = new PromptWalk(airline, template, demo.vocabulary);
    expect(await walk.measure()).toHaveLength(airline.turns.length);
    const turns = await walk.compare();
    expect(turns.filter(({ isExact }) => isExact)).toHaveLength(airline.turns.length);
    expect(await walk.compare((turn) => turn === 3)).toMatchObject([{ tokens: turns[3]?.tokens, isExact: true }]);
  }
});

test('the template of the benchmark is one that is written by rounds', async () => {
  await using demo = await loadDemoTokenizer();
  const template = await createChatTemplate(reasoningTemplate, demo.vocabulary);
  expect(template.isConcatenative).toBe(false);
  expect(template.rounds?.rule).toEqual({ endsAt: 'user', isBound: false });
});

test('a walk notices a prompt that differs', async () => {
  await using demo = await loadDemoTokenizer();
  const template = await createChatTemplate(demo.chatTemplate, demo.vocabulary);
  const full = template.full.bind(template);
  template.full = async (...asked) => [...(await full(...asked)), 0];
  const walk = new PromptWalk(loadWorkload('airline-27'), template, demo.vocabulary);
  expect(await walk.compare((turn) => turn < 2)).toMatchObject([{ isExact: false }, { isExact: false }]);
});
