import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/observe/log.ts';
import type { Log } from '../../src/observe/log.ts';

function written(format: 'pretty' | 'json', write: (log: Log) => void): string {
  let text = '';
  write(createLog({ level: 'info', format, destination: { write: (line) => void (text += line) } }));
  return text;
}

describe.each(['pretty', 'json'] as const)('%s log', (format) => {
  it('redacts what may hold a key', () => {
    const text = written(format, (log) => {
      log.info({ authorization: 'sk-1', headers: { authorization: 'sk-2', cookie: 'sk-3' } }, 'upgrade');
      log.info({ request: { headers: { 'x-api-key': 'sk-4' } }, upstream: { apiKey: 'sk-5' } }, 'upgrade');
      log.child({ apiKey: 'sk-6' }).info('child');
    });
    expect(text).not.toContain('sk-');
    expect(text).toContain('[secret]');
  });

  it('writes an error with its causes', () => {
    const text = written(format, (log) =>
      log.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'bad'),
    );
    expect(text).toContain('outer');
    expect(text).toContain('caused by: Error: inner');
  });

  it('writes nothing below its level', () => {
    expect(written(format, (log) => log.debug('quiet'))).toBe('');
  });

  it('lets no client forge a line or drive the terminal', () => {
    const text = written(format, (log) => log.info({ model: 'a\nb\u001b[2J' }, 'hi\nthere\u001b[31m'));
    expect(text.trimEnd()).not.toMatch(/\p{Cc}/u);
  });
});

describe('pretty log', () => {
  it('escapes the one-byte forms of terminal commands too', () => {
    expect(written('pretty', (log) => log.info('a\u009b31mb'))).toContain('a\\x9b31mb');
  });

  it('is one readable line', () => {
    const text = written('pretty', (log) =>
      log.info({ response: 'resp_1', ms: 41, why: 'two words' }, 'turn finished'),
    );
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3}Z INFO {2}turn finished response=resp_1 ms=41 why="two words"\n$/);
  });
});
