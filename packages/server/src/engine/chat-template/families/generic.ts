/**
 * Models of no known form. Their template knows no tools, so the prompt asks for `<tool_call>` (tool-text.ts); many answer with
 * the bare JSON, or with JSON in a fence.
 */
import type { Family } from './family.ts';
import { hermes } from './hermes.ts';
import { JsonCall } from './json-call.ts';
import { TaggedParser } from './tagged.ts';
import type { TagSyntax } from './tagged.ts';

const syntax: TagSyntax = {
  thinking: { open: '<think>', close: '</think>' },
  callOpens: ['<tool_call>'],
  bareOpens: ['{', '```json\n{', '```\n{', '[{'],
  isChained: true,
  callCloses: ['```', '</tool_call>'],
  noise: [',', ']', '```json', '```'],
  wrappers: [],
  createCall: (targets) => new JsonCall(targets),
};

export const generic: Family = {
  ...hermes,
  name: 'generic',
  createParser: (targets, opening) => new TaggedParser(syntax, targets, opening),
};
