import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ServerVocabulary, readTokenizerFolder, toFacts } from '../../../src/engine/token-server/tokenizer.ts';

async function readFiles(files: Readonly<Record<string, string>>): ReturnType<typeof readTokenizerFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'longwire-tokenizer-'));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    return await readTokenizerFolder(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const added = {
  1: { content: '<|im_end|>', special: true },
  2: { content: '<tool_call>', special: false },
  3: { content: '    ', special: false },
};

describe('a tokenizer folder', () => {
  it('tells the template and the control texts, but no runs of spaces', async () => {
    const config = { added_tokens_decoder: added, eos_token: { content: '<|im_end|>' }, chat_template: 'old' };
    expect(await readFiles({ 'tokenizer_config.json': JSON.stringify(config) })).toEqual({
      chatTemplate: 'old',
      bos: '',
      eos: '<|im_end|>',
      controlTexts: ['<|im_end|>', '<tool_call>'],
    });
  });

  it('may have the template and the tokens in files of their own', async () => {
    const facts = await readFiles({
      'tokenizer_config.json': '{"bos_token":"<s>"}',
      'tokenizer.json': JSON.stringify({ added_tokens: Object.values(added) }),
      'chat_template.jinja': 'new',
    });
    expect(facts).toMatchObject({ chatTemplate: 'new', bos: '<s>', controlTexts: ['<|im_end|>', '<tool_call>'] });
  });

  it('is refused where it is none', async () => {
    await expect(readFiles({})).rejects.toThrow('no readable tokenizer_config.json');
    await expect(readFiles({ 'tokenizer_config.json': '{}', 'tokenizer.json': '{}' })).rejects.toThrow('tokenizer');
  });
});

it('the template for tools is taken among several', () => {
  const templates = [
    { name: 'default', template: 'a' },
    { name: 'tool_use', template: 'b' },
  ];
  expect(toFacts({ added_tokens_decoder: added, chat_template: templates })?.chatTemplate).toBe('b');
});

it('a control text is encoded as text in pieces that are none', async () => {
  const asked: string[] = [];
  const facts = { chatTemplate: null, bos: '', eos: '', controlTexts: ['<a>', '<<a>>'] };
  const vocabulary = new ServerVocabulary(facts, (text) => {
    asked.push(text);
    return Promise.resolve([...Buffer.from(text)]);
  });
  expect(await vocabulary.tokenize('<<a>>', false)).toEqual([...Buffer.from('<<a>>')]);
  expect(asked).toEqual(['<', '<', 'a>>']);
  await vocabulary.tokenize('<a>', true);
  expect(asked.at(-1)).toBe('<a>');
});
