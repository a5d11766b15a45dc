/**
 * DeepSeek. V3 and R1 write `<｜tool▁call▁begin｜>function<｜tool▁sep｜>name`, then the arguments in a JSON fence; V3.1 writes
 * `<｜tool▁call▁begin｜>name<｜tool▁sep｜>{…}`. Both forms are read of either; reasoning stands in `<think>`.
 */
import type { Family } from './family.ts';
import { NamedCall } from './named-call.ts';
import { TaggedParser } from './tagged.ts';
import type { TagSyntax } from './tagged.ts';

const callsBegin = '<｜tool▁calls▁begin｜>';
const callsEnd = '<｜tool▁calls▁end｜>';
const callBegin = '<｜tool▁call▁begin｜>';
const callEnd = '<｜tool▁call▁end｜>';
const separator = '<｜tool▁sep｜>';

const syntax: TagSyntax = {
  thinking: { open: '<think>', close: '</think>' },
  callOpens: [callBegin],
  bareOpens: [],
  isChained: false,
  callCloses: ['```', callEnd],
  noise: [callsEnd],
  wrappers: [callsBegin, callsEnd],
  createCall: (targets) => new NamedCall(targets, nameOf),
};

function nameOf(header: string): string {
  const [first = '', second = ''] = header.split(separator);
  return first.trim() === 'function' ? (second.trim().split('\n')[0] ?? '').trim() : first.trim();
}

/** Arguments in a fence. */
export const deepseek: Family = {
  name: 'deepseek',
  callMark: callBegin,
  forcedCall: (name) => `${callsBegin}${callBegin}function${separator}${name === null ? '' : `${name}\n\`\`\`json\n`}`,
  argumentsOpening: '',
  finalStart: '',
  marks: [callsBegin, callsEnd, callBegin, callEnd, separator, '<think>', '</think>'],
  createParser: (targets, opening) => new TaggedParser(syntax, targets, opening),
};

/** Arguments as they are. */
export const deepseekPlain: Family = {
  ...deepseek,
  forcedCall: (name) => `${callsBegin}${callBegin}${name === null ? '' : `${name}${separator}`}`,
};
