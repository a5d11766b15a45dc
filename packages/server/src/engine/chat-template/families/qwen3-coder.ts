/** Qwen3-Coder and models after it: `<tool_call>` around a call in tags; JSON inside it, as of older models, is read too. */
import { EitherCall } from './either-call.ts';
import type { Family } from './family.ts';
import { hermes } from './hermes.ts';
import { JsonCall } from './json-call.ts';
import { TaggedCall, functionOpen } from './tagged-call.ts';
import { TaggedParser } from './tagged.ts';
import type { TagSyntax } from './tagged.ts';

const syntax: TagSyntax = {
  thinking: { open: '<think>', close: '</think>' },
  // The outer tag is forgotten at times.
  callOpens: ['<tool_call>', functionOpen],
  bareOpens: [],
  isChained: false,
  callCloses: ['</tool_call>'],
  noise: [],
  wrappers: [],
  createCall: (targets, open) =>
    open === functionOpen
      ? new TaggedCall(targets, true)
      : new EitherCall(/\s/, (first) => (first === '{' ? new JsonCall(targets) : new TaggedCall(targets, false))),
};

export const qwen3Coder: Family = {
  ...hermes,
  name: 'qwen3-coder',
  callMark: functionOpen,
  argumentForm: 'tags',
  argumentsOpening: null,
  forcedCall: (name) => `<tool_call>\n${functionOpen}${name === null ? '' : `${name}>\n`}`,
  createParser: (targets, opening) => new TaggedParser(syntax, targets, opening),
};
