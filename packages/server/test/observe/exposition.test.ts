import { describe, expect, it } from 'vitest';
import { parseExposition } from './exposition.ts';

const head = '# HELP a_total Words.\n# TYPE a_total counter\n';

describe('the reader of metrics in the tests', () => {
  it('reads labels with escapes, and numbers in every form', () => {
    const read = parseExposition(`${head}a_total{x="b\\"\\n\\\\",y=""} 1e3\n`);
    expect(read.value('a_total', { x: 'b"\n\\' })).toBe(1000);
    expect(read.types.get('a_total')).toBe('counter');
  });

  it.each([
    ['The last line does not end.', `${head}a_total 1`],
    ['A sample outside of its family', 'a_total 1\n'],
    ['does not end with _total', '# HELP a Words.\n# TYPE a counter\na 1\n'],
    ['is below zero', `${head}a_total -1\n`],
    ['A series comes twice', `${head}a_total{x="1"} 1\na_total{x="1"} 2\n`],
    ['A sample outside of its family', `${head}a_total 1\n# HELP b Words.\n# TYPE b gauge\nb 1\na_total{x="1"} 1\n`],
    ['A second help', `${head}# HELP a_total Words.\n`],
    ['Bad labels', `${head}a_total{x=1} 1\n`],
    ['No sample', `${head}a_total{x="\n"} 1\n`],
    ['No number', `${head}a_total one\n`],
    ['has no help', '# TYPE a_total counter\na_total 1\n'],
    ['Neither help nor type', '# EOF\n'],
    ['is not all', '# HELP h Words.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n'],
    [
      'do not grow',
      '# HELP h Words.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    ],
    ['has no sum', '# HELP h Words.\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_count 1\n'],
  ])('says what is wrong: %s', (message, text) => {
    expect(() => parseExposition(text)).toThrow(message);
  });
});
