import { readFileSync } from 'node:fs';
import { catalogue, closeCodes } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';

const protocol = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8');

/** Cells of the rows that begin with `| ` + a cell of this form. */
function rows(firstCell: RegExp): string[][] {
  return protocol
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([first]) => first !== undefined && firstCell.test(first));
}

describe('PROTOCOL.md', () => {
  it('lists every error of the catalogue with its status and whether to try again', () => {
    const section = rows(/^`[a-z_]+`( \(sent as `null`\))?$/).filter(([, status]) => /^\d{3}$/.test(status ?? ''));
    const listed = Object.fromEntries(
      section.map(([code, status, again]) => [code?.split('`')[1], `${status} ${again}`]),
    );
    const known = Object.fromEntries(
      Object.entries(catalogue).map(([code, entry]) => [code, `${entry.status} ${entry.retryable ? 'yes' : 'no'}`]),
    );
    expect(listed).toEqual(known);
  });

  it('lists every close code that the server sends', () => {
    const listed = rows(/^[14]\d{3}$/).map(([code]) => Number(code));
    expect(listed).toEqual(expect.arrayContaining(Object.values(closeCodes).map(({ code }) => code)));
  });
});

describe('docs/dependencies.md', () => {
  it('has a line for every dependency, and no other', () => {
    const root = new URL('../../', import.meta.url);
    const page = readFileSync(new URL('docs/dependencies.md', root), 'utf8');
    const listed = page.split('\n').flatMap((line) => {
      const [, packages = ''] = /^\| (`[^|]+`) \|/.exec(line) ?? [];
      return [...packages.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
    });
    const files = [
      'package.json',
      'packages/protocol/package.json',
      'packages/server/package.json',
      'packages/client/package.json',
    ];
    const used = files.flatMap((file) => {
      const json = JSON.parse(readFileSync(new URL(file, root), 'utf8')) as Record<string, Record<string, string>>;
      return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
        Object.keys(json[kind] ?? {}),
      );
    });
    const foreign = used.filter((name) => !name.startsWith('@longwire/'));
    expect(listed.toSorted()).toEqual([...new Set(foreign)].toSorted());
  });
});
