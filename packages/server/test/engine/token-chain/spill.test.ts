/** States put aside, on sequences that hold tokens and nothing else. */
import { describe, expect, it } from 'vitest';
import type { Token } from '../../../src/engine/chat-template/tokenizer.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import type { KvSequence } from '../../../src/engine/token-chain/lease.ts';
import { SequencePool } from '../../../src/engine/token-chain/sequences.ts';
import type { SpillPlace } from '../../../src/engine/token-chain/spill.ts';
import { block, grow, span, tokensOf } from './chains.ts';

class FakeSequence implements KvSequence<FakeSequence> {
  tokens: Token[] = [];

  get length(): number {
    return this.tokens.length;
  }

  truncate(length: number): Promise<void> {
    this.tokens.length = Math.min(length, this.tokens.length);
    return Promise.resolve();
  }

  canCopy(): boolean {
    return false;
  }

  copyFrom(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

/** A token takes one byte. */
class FakePlace implements SpillPlace<FakeSequence> {
  readonly budgetBytes: number;
  readonly states = new Set<readonly Token[]>();
  /** Awaited before a state is written. */
  pace: Promise<void> = Promise.resolve();
  /** What fails. */
  breaks: 'save' | 'restore' | null = null;

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
  }

  sizeOf(tokens: number): number {
    return tokens;
  }

  get bytes(): number {
    return [...this.states].reduce((sum, state) => sum + state.length, 0);
  }

  async save(sequence: FakeSequence): ReturnType<SpillPlace<FakeSequence>['save']> {
    await this.pace;
    if (this.breaks === 'save') throw new Error('full');
    const state = [...sequence.tokens];
    this.states.add(state);
    if (this.bytes > this.budgetBytes) throw new Error('More was put aside than there is room for.');
    return {
      restore: async (target) => {
        target.tokens = this.breaks === 'restore' ? tokensOf('rubbish') : [...state];
        if (this.breaks === 'restore') throw new Error('torn');
      },
      remove: async () => void this.states.delete(state),
    };
  }
}

const preamble = block('rules ');
const never = new AbortController().signal;
const long = (text: string): string => text.repeat(100);

class Setup {
  readonly place: FakePlace;
  readonly sequence = new FakeSequence();
  readonly pool: SequencePool<FakeSequence>;

  constructor(budgetBytes: number) {
    this.place = new FakePlace(budgetBytes);
    this.pool = new SequencePool([this.sequence], this.place);
  }

  /** A turn of a chain. Answers with the tokens that needed no evaluation, once all that is held was found right. */
  async turn(context: TokenContext): Promise<number> {
    const lease = await this.pool.lease(span(preamble, context, '>'), never);
    const cached = await lease.ready;
    const pending = lease.pending();
    await lease.run(async (sequence) => void sequence.tokens.push(...pending));
    lease.settle();
    const whole: string[] = ['>'];
    for (let piece: TokenContext | null = context; piece !== null; piece = piece.parent)
      whole.unshift(String.fromCharCode(...piece.tokens));
    const held = String.fromCharCode(...this.sequence.tokens);
    if (held !== `rules ${whole.join('')}`) throw new Error(`The sequence holds something else: ${held}`);
    lease.release();
    await lease.released;
    return cached;
  }
}

describe('a chain whose sequence is taken', () => {
  it('is counted: by what its lease began with, and by what became of what was there', async () => {
    const setup = new Setup(1000);
    const [left, right] = [await grow(null, long('l')), await grow(null, long('r'))];
    await setup.turn(left);
    await setup.turn(right);
    expect(setup.pool.reading()).toMatchObject({ leased: 0, held: 1, empty: 0, spilledStates: 1, spilledBytes: 107 });
    await setup.turn(await grow(left, 'more'));
    setup.place.breaks = 'save';
    await setup.turn(await grow(right, 'else'));
    const { counts } = setup.pool.reading();
    expect(counts).toEqual({ continued: 1, copied: 0, restored: 2, fresh: 1, spilled: 2, dropped: 1 });
  });

  it('goes on from where it was, again and again', async () => {
    const setup = new Setup(1000);
    let [left, right] = [await grow(null, long('l')), await grow(null, long('r'))];
    expect([await setup.turn(left), await setup.turn(right)]).toEqual([0, 6]);
    for (let round = 0; round < 3; round += 1) {
      const [known, other] = [left.end, right.end];
      [left, right] = [await grow(left, 'more'), await grow(right, 'else')];
      expect([await setup.turn(left), await setup.turn(right)]).toEqual([known + 6, other + 6]);
      expect(setup.place.states.size).toBe(1);
    }
  });

  it('is found by a turn that comes while its state is still being written', async () => {
    const setup = new Setup(1000);
    const [left, right] = [await grow(null, long('l')), await grow(null, long('r'))];
    await setup.turn(left);
    const written = Promise.withResolvers<void>();
    setup.place.pace = written.promise;
    const turns = [setup.turn(right), setup.turn(await grow(left, 'more'))];
    expect(setup.pool.cached(span(preamble, left, '>'))).toBe(left.end + 7);
    written.resolve();
    expect(await Promise.all(turns)).toEqual([6, left.end + 6]);
  });

  it('is forgotten, the oldest first, when the budget is spent', async () => {
    const setup = new Setup(250);
    const chains = await Promise.all(['a', 'b', 'c', 'd'].map((each) => grow(null, long(each))));
    for (const chain of chains) await setup.turn(chain);
    const [a, b, c] = chains;
    expect(setup.place.states.size).toBe(2);
    if (!a || !b || !c) throw new Error('Three chains were expected.');
    expect(await setup.turn(await grow(c, 'x'))).toBe(c.end + 6);
    expect(await setup.turn(await grow(a, 'x'))).toBe(6);
  });

  it('is not kept once it was let go, nor when it is short', async () => {
    const setup = new Setup(1000);
    const [left, right, short] = [await grow(null, long('l')), await grow(null, long('r')), await grow(null, 'short')];
    await setup.turn(left);
    await setup.turn(right);
    expect(setup.place.states.size).toBe(1);
    left.release();
    setup.pool.sweep();
    await expect.poll(() => setup.place.states.size).toBe(0);
    right.release();
    await setup.turn(short);
    await setup.turn(await grow(null, 'other'));
    expect(setup.place.states.size).toBe(0);
  });

  it.each(['save', 'restore'] as const)('starts over where a %s fails', async (breaks) => {
    const setup = new Setup(1000);
    const [left, right] = [await grow(null, long('l')), await grow(null, long('r'))];
    setup.place.breaks = breaks;
    await setup.turn(left);
    await setup.turn(right);
    expect(await setup.turn(await grow(left, 'more'))).toBe(breaks === 'save' ? 6 : 0);
  });

  it('leaves nothing behind when the pool is drained', async () => {
    const setup = new Setup(1000);
    for (const each of ['a', 'b', 'c']) await setup.turn(await grow(null, long(each)));
    expect(setup.place.states.size).toBe(2);
    await setup.pool.drain();
    expect(setup.place.states.size).toBe(0);
  });
});
