/** Our checkers against TypeBox's verdict on the same schemas, and the errors of what they refuse. */
import fc from 'fast-check';
import { Compile } from 'typebox/schema';
import { describe, expect, test } from 'vitest';
import { createChecker } from '../../src/check.ts';
import { CreateSettings, ResponseSteerEvent, eventSchemas, itemSchemas, toolSchemas } from '../../src/index.ts';
import type { Schema } from '../../src/schema.ts';
import { thrownBy } from '../thrown.ts';
import { arbitraryAlmost, arbitraryOf } from './arbitrary.ts';

const schemas: [string, Schema][] = [
  ['CreateSettings', CreateSettings],
  ['ResponseSteerEvent', ResponseSteerEvent],
  ...Object.entries(itemSchemas),
  ...Object.entries(toolSchemas),
  ...eventSchemas,
];

describe.each(schemas)('%s', (_name, schema) => {
  const { check, mismatch, parse } = createChecker(schema);
  const typebox = Compile(schema as object);

  test('accepts what the schema describes', () => {
    fc.assert(
      fc.property(arbitraryOf(schema), (value) => {
        expect(check(value)).toBe(true);
        expect(typebox.Check(value)).toBe(true);
        expect(parse(value)).toBe(value);
      }),
      { numRuns: 20 },
    );
  });

  test('agrees with TypeBox on what is almost right, and says what is wrong where', () => {
    fc.assert(
      fc.property(arbitraryAlmost(schema), (value) => {
        const accepted = check(value);
        expect(accepted).toBe(typebox.Check(value));
        if (accepted) return;
        const error = mismatch(value, 'here');
        expect(thrownBy(() => parse(value)).entry).toBe(error.entry);
        expect(error.entry).toMatch(/^(missing_required_parameter|invalid_type|invalid_value)$/);
        expect(error.param).toMatch(/^here/);
        expect(error.message).not.toMatch(/unexpected value|undefined/);
      }),
      { numRuns: 60 },
    );
  });
});
