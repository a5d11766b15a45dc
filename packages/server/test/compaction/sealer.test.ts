import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sealer } from '../../src/compaction/sealer.ts';
import { SealingKeys } from '../../src/compaction/sealing-keys.ts';

const given = [Buffer.alloc(32, 7).toString('base64')];
const sealer = new Sealer(new SealingKeys({ given, path: '/nowhere/sealing.keys' }));
const binding = { project: 'alpha', model: 'small' };
const open = (text: string, as = binding) => sealer.open('compaction', as, text);

describe('a sealed content', () => {
  it('opens as it was, whatever it was', () => {
    fc.assert(
      // As it came out of JSON: a value that was made may hold -0, which JSON does not write.
      fc.property(
        fc.json().map((text): unknown => JSON.parse(JSON.stringify(JSON.parse(text)))),
        (content) => {
          expect(open(sealer.seal('compaction', binding, content))).toEqual({ ok: true, content });
        },
      ),
    );
  });

  it('shows nothing of itself, and never the same twice', () => {
    const sealed = sealer.seal('compaction', binding, 'the launch code is 0000');
    expect(sealed).toMatch(/^lw1_[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed.slice(4), 'base64url').toString('latin1')).not.toMatch(/launch|alpha|small/);
    expect(sealer.seal('compaction', binding, 'the launch code is 0000')).not.toBe(sealed);
  });

  it('does not open when any byte was changed', () => {
    const bytes = Buffer.from(sealer.seal('compaction', binding, 'x').slice(4), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      // The key's id comes first: another id is another server's key.
      const reason = at < 8 ? 'unknown' : 'damaged';
      expect(open(`lw1_${changed.toString('base64url')}`)).toEqual({ ok: false, reason });
    }
  });

  it('does not open when it was cut', () => {
    const sealed = sealer.seal('compaction', binding, 'some words');
    for (let length = 0; length < sealed.length; length++) expect(open(sealed.slice(0, length)).ok).toBe(false);
  });

  it('does not open as another kind', () => {
    const sealed = sealer.seal('reasoning', binding, []);
    expect(open(sealed)).toEqual({ ok: false, reason: 'damaged' });
  });

  it('says whose it is not', () => {
    const sealed = sealer.seal('compaction', binding, 'x');
    expect(open(sealed, { ...binding, project: 'beta' })).toEqual({ ok: false, reason: 'project' });
    expect(open(sealed, { ...binding, model: 'large' })).toEqual({ ok: false, reason: 'model' });
    expect(open('gAAAAAB-from-elsewhere')).toEqual({ ok: false, reason: 'unknown' });
  });
});
