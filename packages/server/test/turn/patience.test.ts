import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Patience } from '../../src/turn/patience.ts';

const options = { keepaliveEventMs: 20, firstEventTimeoutMs: 100, stallTimeoutMs: 50 };

describe('patience with an engine', () => {
  let verdicts: unknown[];
  let patience: Patience;

  beforeEach(() => {
    vi.useFakeTimers();
    verdicts = [];
    patience = new Patience(options, () => verdicts.push(patience.check()));
  });
  afterEach(() => {
    patience.stop();
    vi.useRealTimers();
  });

  it('tells the client at intervals that it lives, until the engine has had its time', () => {
    vi.advanceTimersByTime(99);
    expect(verdicts).toEqual(['keepalive', 'keepalive', 'keepalive', 'keepalive']);
    vi.advanceTimersByTime(1);
    expect(verdicts.at(-1)).toMatchObject({ entry: 'engine_timeout' });
    vi.advanceTimersByTime(1000);
    expect(verdicts).toHaveLength(5);
  });

  it('waits less for the events after the first', () => {
    vi.advanceTimersByTime(10);
    patience.heard();
    vi.advanceTimersByTime(49);
    expect(verdicts.every((verdict) => verdict === 'keepalive' || verdict === 'wait')).toBe(true);
    vi.advanceTimersByTime(1);
    expect(verdicts.at(-1)).toMatchObject({ entry: 'engine_timeout' });
  });

  it('does not blame the engine for a client that reads slowly', () => {
    patience.heard();
    vi.advanceTimersByTime(45);
    patience.told();
    vi.advanceTimersByTime(45);
    expect(verdicts.some((verdict) => typeof verdict === 'object')).toBe(false);
  });

  it('sends nothing while events flow', () => {
    for (let event = 0; event < 20; event++) {
      vi.advanceTimersByTime(15);
      patience.heard();
      patience.told();
    }
    expect(verdicts.every((verdict) => verdict === 'wait')).toBe(true);
  });

  it('has no limits where they are 0', () => {
    patience.stop();
    const endless: unknown[] = [];
    const none = { keepaliveEventMs: 0, firstEventTimeoutMs: 0, stallTimeoutMs: 0 };
    const other = new Patience(none, () => endless.push(other.check()));
    vi.advanceTimersByTime(1e9);
    expect(endless).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
