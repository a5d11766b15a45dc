import { expect, test } from 'vitest';
import { parseArguments } from '../../src/agent/arguments.ts';
import type { JsonSchema } from '../../src/agent/arguments.ts';

const schema: JsonSchema = {
  type: 'object',
  properties: {
    text: { type: 'string', minLength: 3 },
    count: { type: 'integer' },
    share: { type: 'number' },
    order: { enum: ['up', 'down'] },
    kind: { const: 1 },
    none: { type: 'null' },
    tags: { type: 'array', items: { type: 'string' } },
    any: { type: 'array' },
    place: { type: 'object', properties: { deep: { type: 'boolean' } }, required: ['deep'] },
  },
  required: ['text'],
};

test.each([
  { text: 'a' },
  {
    text: '',
    count: -3,
    share: 0.5,
    order: 'up',
    kind: 1,
    none: null,
    tags: [],
    any: [1, 'a'],
    place: { deep: false },
  },
  { text: 'a', unknown: { anything: true } },
])('arguments that fit: %j', (value) => {
  expect(parseArguments(JSON.stringify(value), schema)).toEqual(value);
});

test.each([
  ['{"text":', /^The arguments are not valid JSON: /],
  ['"text"', 'The arguments must be a JSON object.'],
  ['[]', 'The arguments must be a JSON object.'],
  ['null', 'The arguments must be a JSON object.'],
  ['', "'text' is missing."],
  ['{"text":1}', "'text' must be of type string."],
  ['{"text":"a","count":1.5}', "'count' must be of type integer."],
  ['{"text":"a","share":"1"}', "'share' must be of type number."],
  ['{"text":"a","order":"left"}', '\'order\' must be one of ["up","down"].'],
  ['{"text":"a","kind":2}', "'kind' must be 1."],
  ['{"text":"a","none":0}', "'none' must be of type null."],
  ['{"text":"a","tags":["a",5]}', "'tags[1]' must be of type string."],
  ['{"text":"a","place":[]}', "'place' must be of type object."],
  ['{"text":"a","place":{}}', "'place.deep' is missing."],
  ['{"text":"a","place":{"deep":"yes"}}', "'place.deep' must be of type boolean."],
])('arguments that do not fit say so: %s', (json, message) => {
  expect(() => parseArguments(json, schema)).toThrow(message);
});

test('a tool without a schema takes any object, and nothing', () => {
  expect(parseArguments(' ', {})).toEqual({});
  expect(parseArguments('{"a":1}', {})).toEqual({ a: 1 });
});
