/**
 * Llama 3: an answer that is `{"name": …, "parameters": {…}}`, bare or behind `<|python_tag|>`; several divided by `;`. Calls of the tools
 * that it was trained with are Python: `<|python_tag|>name.call(key="value")`.
 */
import { EitherCall } from './either-call.ts';
import type { Family } from './family.ts';
import { JsonCall } from './json-call.ts';
import { PythonCall } from './python-call.ts';
import { TaggedParser } from './tagged.ts';
import type { TagSyntax } from './tagged.ts';

const syntax: TagSyntax = {
  thinking: { open: '<think>', close: '</think>' },
  callOpens: ['<|python_tag|>'],
  bareOpens: ['{'],
  isChained: true,
  callCloses: [],
  noise: [';', ',', '<|eom_id|>'],
  wrappers: [],
  createCall: (targets) =>
    new EitherCall(/\s/, (first) => (first === '{' ? new JsonCall(targets) : new PythonCall(targets))),
};

export const llama3: Family = {
  name: 'llama3',
  callMark: null,
  forcedCall: (name) => (name === null ? '{"name": "' : `{"name": "${name}`),
  argumentsOpening: '", "parameters":',
  finalStart: '',
  marks: ['<|python_tag|>'],
  createParser: (targets, opening) => new TaggedParser(syntax, targets, opening),
};
