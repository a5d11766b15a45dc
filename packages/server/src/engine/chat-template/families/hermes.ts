/** Hermes, Qwen 2.5 and 3 and many others: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, reasoning in `<think>`. */
import type { Family } from './family.ts';
import { JsonCall } from './json-call.ts';
import { TaggedParser } from './tagged.ts';
import type { TagSyntax } from './tagged.ts';

const syntax: TagSyntax = {
  thinking: { open: '<think>', close: '</think>' },
  callOpens: ['<tool_call>'],
  bareOpens: [],
  isChained: false,
  callCloses: ['</tool_call>'],
  noise: [],
  wrappers: [],
  createCall: (targets) => new JsonCall(targets),
};

export const hermes: Family = {
  name: 'hermes',
  callMark: '<tool_call>',
  forcedCall: (name) => (name === null ? '<tool_call>\n' : `<tool_call>\n{"name": "${name}`),
  argumentsOpening: '", "arguments":',
  finalStart: '',
  marks: ['<tool_call>', '</tool_call>', '<think>', '</think>'],
  createParser: (targets, opening) => new TaggedParser(syntax, targets, opening),
};
