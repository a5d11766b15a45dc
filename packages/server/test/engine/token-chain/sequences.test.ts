import type { Token } from '../../../src/engine/chat-template/tokenizer.ts';
import { describe, expect, it } from 'vitest';
import type { KvSequence, Lease } from '../../../src/engine/token-chain/lease.ts';
import { SequencePool } from '../../../src/engine/token-chain/sequences.ts';
import type { TokenRun } from '../../../src/engine/token-chain/run.ts';
import type { Span } from '../../../src/engine/token-chain/span.ts';
import { block, grow, span, textOf, tokensOf } from './chains.ts';

/** Holds tokens and nothing else; checks that operations never overlap. */
class FakeSequence implements KvSequence<FakeSequence> {
  tokens: Token[] = [];
  copies = 0;
  #isBusy = false;

  get length(): number {
    return this.tokens.length;
  }

  truncate(length: number): Promise<void> {
    return this.#alone(() => (this.tokens.length = Math.min(length, this.tokens.length)));
  }

  canCopy(): boolean {
    return true;
  }

  async copyFrom(other: FakeSequence, length: number): Promise<boolean> {
    await this.#alone(() => (this.tokens = other.tokens.slice(0, length)));
    this.copies += 1;
    return this.tokens.length === length;
  }

  append(tokens: readonly Token[]): Promise<void> {
    return this.#alone(() => this.tokens.push(...tokens));
  }

  async #alone(operation: () => void): Promise<void> {
    if (this.#isBusy) throw new Error('Two operations overlap on one sequence.');
    this.#isBusy = true;
    await Promise.resolve();
    operation();
    this.#isBusy = false;
  }
}

const preamble = block('rules ');
const never = new AbortController().signal;

function createPool(size: number): { pool: SequencePool<FakeSequence>; sequences: FakeSequence[] } {
  const sequences = Array.from({ length: size }, () => new FakeSequence());
  return { pool: new SequencePool(sequences), sequences };
}

async function append(lease: Lease<FakeSequence>, tokens: readonly Token[]): Promise<void> {
  await lease.run((sequence) => sequence.append(tokens));
  lease.settle();
}

/** Evaluates a prompt on a lease, and checks that the sequence holds exactly it. */
async function evaluate(lease: Lease<FakeSequence>, sequences: readonly FakeSequence[], wanted: Span): Promise<number> {
  const cached = await lease.ready;
  await append(lease, lease.pending());
  const held = sequences.map((sequence) => String.fromCharCode(...sequence.tokens));
  expect(held).toContain(textOf(wanted));
  return cached;
}

async function run(
  pool: SequencePool<FakeSequence>,
  sequences: readonly FakeSequence[],
  wanted: Span,
): Promise<number> {
  const lease = await pool.lease(wanted, never);
  const cached = await evaluate(lease, sequences, wanted);
  lease.release();
  await lease.released;
  return cached;
}

const long = 'x'.repeat(50);
const prompt = async (text: string): Promise<Span> => span(block(''), await grow(null, text), '>');

describe('SequencePool', () => {
  it('goes on where the chain left off', async () => {
    const { pool, sequences } = createPool(2);
    const first = await grow(null, 'hello');
    const second = await grow(first, ' again');
    expect(await run(pool, sequences, span(preamble, first, '>'))).toBe(0);
    expect(await run(pool, sequences, span(preamble, second, '>'))).toBe('rules hello'.length);
    expect(sequences.map((sequence) => sequence.length)).toEqual(['rules hello again>'.length, 0]);
  });

  it('reads nothing of other chains where a chain goes on, though they begin alike', async () => {
    const { pool, sequences } = createPool(2);
    const tokens = tokensOf(long);
    let reads = 0;
    const twin: TokenRun = {
      parent: null,
      end: tokens.length,
      depth: 0,
      get root() {
        return twin;
      },
      get tokens() {
        reads += 1;
        return tokens;
      },
    };
    const first = await grow(null, long);
    await run(pool, sequences, span(preamble, first, '>'));
    const other = await pool.lease({ ...span(preamble, null, '>'), run: twin, owner: await grow(null, 'twin') }, never);
    await append(other, (await other.ready, other.pending()));
    other.release();
    await other.released;
    const before = reads;
    expect(await run(pool, sequences, span(preamble, await grow(first, '!'), '>'))).toBe(`rules ${long}`.length);
    expect([reads - before, before > 0]).toEqual([0, true]);
  });

  it('evaluates at least the last token', async () => {
    const { pool, sequences } = createPool(1);
    const wanted = span(preamble, await grow(null, 'hello'), '>');
    await run(pool, sequences, wanted);
    expect(await run(pool, sequences, wanted)).toBe('rules hello>'.length - 1);
  });

  it('copies where another chain may go on', async () => {
    const { pool, sequences } = createPool(2);
    const base = await grow(null, long);
    const left = await grow(base, 'left');
    await run(pool, sequences, span(preamble, left, '>'));
    expect(await run(pool, sequences, span(preamble, await grow(base, 'right'), '>'))).toBe(`rules ${long}`.length);
    expect(sequences.map((sequence) => sequence.copies)).toEqual([0, 1]);
    expect(await run(pool, sequences, span(preamble, await grow(left, '!'), '>'))).toBe(`rules ${long}left`.length);
  });

  it('copies from a sequence in use', async () => {
    const { pool, sequences } = createPool(2);
    const base = await grow(null, long);
    const lease = await pool.lease(span(preamble, base, '>'), never);
    await evaluate(lease, sequences, span(preamble, base, '>'));
    expect(await run(pool, sequences, span(preamble, await grow(base, 'fork'), '>'))).toBe(`rules ${long}`.length);
    lease.release();
    await lease.released;
  });

  it('cuts back where nobody wants the rest', async () => {
    const { pool, sequences } = createPool(2);
    const base = await grow(null, long);
    const gone = await grow(base, 'gone');
    await run(pool, sequences, span(preamble, gone, '>'));
    gone.release();
    expect(await run(pool, sequences, span(preamble, await grow(base, 'new'), '>'))).toBe(`rules ${long}`.length);
    expect(sequences.map((sequence) => sequence.copies)).toEqual([0, 0]);
  });

  it('finds a history that is sent again', async () => {
    const { pool, sequences } = createPool(2);
    await run(pool, sequences, span(preamble, await grow(await grow(null, long), 'two'), '>'));
    const again = span(preamble, await grow(null, `${long}twothree`), '>');
    expect(await run(pool, sequences, again)).toBe(`rules ${long}two`.length);
  });

  it('evaluates a changed preamble again, from the first difference', async () => {
    const { pool, sequences } = createPool(1);
    const context = await grow(null, 'hello');
    await run(pool, sequences, span(preamble, context, '>'));
    expect(await run(pool, sequences, span(block('rulez '), await grow(context, ' again'), '>'))).toBe(4);
  });

  it('takes the least recently used, but first what no chain wants', async () => {
    const { pool, sequences } = createPool(3);
    const chains = await Promise.all(['a', 'b', 'c'].map((letter) => grow(null, letter.repeat(40))));
    const prompts = chains.map((chain) => span(block(''), chain, '>'));
    for (const prompt of prompts) await run(pool, sequences, prompt);
    const [a, b, c] = prompts;
    if (a === undefined || b === undefined || c === undefined) throw new Error('Three prompts were made.');
    await run(pool, sequences, a);
    chains[2]?.release();
    await run(pool, sequences, span(block(''), await grow(null, 'd'.repeat(40)), '>'));
    expect([pool.cached(a), pool.cached(b), pool.cached(c)]).toEqual([41, 41, 0]);
    // A few shared tokens are no reason to take another chain's sequence.
    await run(pool, sequences, span(block(''), await grow(null, `a${'e'.repeat(40)}`), '>'));
    expect([pool.cached(a), pool.cached(b), pool.cached(c)]).toEqual([41, 0, 0]);
  });

  it('lets leases wait in order, and forgets those that give up', async () => {
    const { pool, sequences } = createPool(1);
    const first = await pool.lease(await prompt('1'), never);
    const order: string[] = [];
    const wait = async (text: string, signal: AbortSignal): Promise<void> => {
      const lease = await pool.lease(await prompt(text), signal);
      order.push(text);
      await evaluate(lease, sequences, await prompt(text));
      lease.release();
    };
    const giveUp = new AbortController();
    const waiting = [wait('2', never), wait('3', giveUp.signal), wait('4', never)];
    const outcome = Promise.allSettled(waiting);
    giveUp.abort(new Error('gave up'));
    await expect(waiting[1]).rejects.toThrow('gave up');
    first.release();
    await outcome;
    expect(order).toEqual(['2', '4']);
  });

  it('is drained when the last lease has ended', async () => {
    const { pool } = createPool(2);
    const lease = await pool.lease(span(preamble, await grow(null, 'hi'), '>'), never);
    let isDrained = false;
    const drained = pool.drain().then(() => (isDrained = true));
    await lease.ready;
    expect(isDrained).toBe(false);
    lease.release();
    await drained;
  });

  it('hands a warm-up over to the generation that wants it', async () => {
    const { pool, sequences } = createPool(2);
    const context = await grow(null, long);
    const ahead = span(preamble, context, '');
    const warming = pool.leaseAhead(ahead, () => warming?.release());
    await warming?.ready;
    if (warming !== null) await append(warming, warming.pending().slice(0, 20));
    expect(pool.leaseAhead(ahead, () => {})).toBeNull();
    expect(await run(pool, sequences, span(preamble, await grow(context, '?'), '>'))).toBe(20);
    expect(sequences.map((sequence) => sequence.copies)).toEqual([0, 0]);
  });

  it('starts over where a copy fails', async () => {
    const { pool, sequences } = createPool(2);
    const base = await grow(null, long);
    await run(pool, sequences, span(preamble, await grow(base, 'left'), '>'));
    for (const sequence of sequences) sequence.copyFrom = () => Promise.resolve(false);
    expect(await run(pool, sequences, span(preamble, await grow(base, 'right'), '>'))).toBe(0);
  });
});
