import { describe, expect, it } from 'vitest';
import { Lifetime, type Pulse } from '../../src/transport/lifetime.ts';

const options = { pingIntervalMs: 5000, deadPeerMs: 10_000, lifetimeMs: 3_600_000, graceMs: 300_000 };
const quiet: Pulse = { nowMs: 0, bytesRead: 0, bytesDelivered: null, isHeld: false };

describe('a lifetime', () => {
  it('ends within 15 s of the last byte, and not while bytes come', () => {
    const life = new Lifetime(options, 0, 0);
    for (let beat = 1; beat <= 10; beat++) expect(life.beat({ ...quiet, bytesRead: beat })).toBe('ping');
    const silence = [1, 2].map(() => life.beat({ ...quiet, bytesRead: 10 }));
    expect(silence).toEqual(['ping', 'dead']);
  });

  it('counts beats, so that a process that was suspended takes nobody for dead', () => {
    const life = new Lifetime(options, 0, 0);
    expect(life.beat({ ...quiet, bytesRead: 1, nowMs: 5000 })).toBe('ping');
    expect(life.beat({ ...quiet, bytesRead: 1, nowMs: 95_000 })).toBe('ping');
  });

  it('takes a peer for alive that reads what waits for it, and lets the deadline of slow readers run', () => {
    const life = new Lifetime(options, 0, 0);
    for (let beat = 1; beat <= 10; beat++) expect(life.beat({ ...quiet, bytesDelivered: beat * 1000 })).toBe('ping');
    expect(life.beat({ ...quiet, bytesDelivered: 10_000 })).toBe('ping');
    expect(life.beat({ ...quiet, bytesDelivered: 10_000 })).toBe('dead');
    const held = new Lifetime(options, 0, 0);
    for (let beat = 1; beat <= 10; beat++) expect(held.beat({ ...quiet, isHeld: true })).toBe('ping');
  });

  it('does not take bytes for read that only the system took', () => {
    const life = new Lifetime(options, 0, 0);
    expect(life.beat(quiet)).toBe('ping');
    expect(life.beat({ ...quiet, bytesDelivered: 5000 })).toBe('dead');
  });

  it.each([
    [0, 3_600_000],
    [1, 3_420_000],
  ])('is over age at its time, up to 5 %% earlier (random %d: %d ms), and has a grace', (random, expiresMs) => {
    const life = new Lifetime(options, 0, random);
    const at = (nowMs: number) => life.beat({ ...quiet, isHeld: true, nowMs });
    expect(at(expiresMs - 1)).toBe('ping');
    expect(at(expiresMs)).toBe('retire');
    expect(at(expiresMs + 299_999)).toBe('retire');
    expect(at(expiresMs + 300_000)).toBe('cut');
  });

  it('gives a cut connection a moment to say goodbye', () => {
    const life = new Lifetime(options, 0, 0);
    life.cut(1000);
    life.cut(1900);
    expect(life.beat({ ...quiet, isHeld: true, nowMs: 1999 })).toBe('ping');
    expect(life.beat({ ...quiet, isHeld: true, nowMs: 2000 })).toBe('dead');
  });
});
