import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLinkState, stepLink } from '../src/link-state.ts';
import type { LinkEffect, LinkInput, LinkState } from '../src/link-state.ts';

const answer = { token: 'T', isResumed: false, received: 0, graceMs: 1000 };
const frame = (ordinal: number | null) => ({ type: 'frame', ordinal, bytes: 10, isTerminal: false }) as const;

/** Runs inputs one after the other; the effects are those of the last one. */
function run(state: LinkState, ...inputs: readonly LinkInput[]): { state: LinkState; effects: readonly LinkEffect[] } {
  let effects: readonly LinkEffect[] = [];
  for (const input of inputs) ({ state, effects } = stepLink(state, input));
  return { state, effects };
}

const resumable = () => run(createLinkState(true), { type: 'answer', answer }).state;

describe('numbers', () => {
  test('are on our frames from the first one on, as nobody waits for the answer', () => {
    const { effects } = run(createLinkState(true), { type: 'send', text: '{"type":"x"}' });
    expect(effects).toEqual([{ type: 'transmit', text: '{"type":"x","longwire_seq":1}' }]);
  });

  test('are on no frame where nobody asked, and none once the server turns out not to know them', () => {
    const plain = run(createLinkState(false), { type: 'send', text: '{"type":"x"}' });
    expect(plain.effects).toEqual([{ type: 'transmit', text: '{"type":"x"}' }]);
    const found = run(createLinkState(true), frame(null), { type: 'send', text: '{"type":"x"}' });
    expect(found.effects).toEqual([{ type: 'transmit', text: '{"type":"x"}' }]);
  });

  test('tell what came twice from what is missing', () => {
    const { state } = run(resumable(), frame(1), frame(2));
    expect(stepLink(state, frame(2)).effects).toEqual([]);
    expect(stepLink(state, frame(4)).effects).toEqual([{ type: 'dropSocket' }]);
    expect(stepLink(state, frame(3)).effects).toEqual([{ type: 'deliver' }]);
  });

  test('are acknowledged after a terminal event and after 64 KiB', () => {
    const end = stepLink(resumable(), { type: 'frame', ordinal: 1, bytes: 10, isTerminal: true });
    const acknowledged = { type: 'transmit', text: '{"type":"longwire:ack","received":1}' };
    expect(end.effects).toEqual([{ type: 'deliver' }, acknowledged]);
    const much = stepLink(resumable(), { type: 'frame', ordinal: 1, bytes: 70_000, isTerminal: false });
    expect(much.effects).toContainEqual(acknowledged);
  });
});

describe('a cut', () => {
  test('ends a connection that cannot be resumed, once', () => {
    for (const state of [createLinkState(false), createLinkState(true)]) {
      const lost = stepLink(state, { type: 'cut' });
      expect(lost.effects).toEqual([{ type: 'lost' }]);
      expect(stepLink(lost.state, { type: 'cut' }).effects).toEqual([]);
    }
  });

  test('is followed by what the server has not got, in order, frames of the meantime included', () => {
    const send = (text: string) => ({ type: 'send', text }) as const;
    const { state } = run(resumable(), send('{"a":1}'), send('{"b":1}'), { type: 'cut' }, send('{"c":1}'));
    const { effects } = stepLink(state, { type: 'answer', answer: { ...answer, isResumed: true, received: 1 } });
    expect(effects).toEqual([
      { type: 'resumed' },
      { type: 'transmit', text: '{"b":1,"longwire_seq":2}' },
      { type: 'transmit', text: '{"c":1,"longwire_seq":3}' },
    ]);
  });

  test('that the server has forgotten loses the connection', () => {
    expect(run(resumable(), { type: 'cut' }, { type: 'answer', answer }).effects).toEqual([{ type: 'lost' }]);
    expect(run(resumable(), { type: 'cut' }, { type: 'giveUp' }).effects).toEqual([{ type: 'lost' }]);
  });
});

/** The other side, as PROTOCOL.md 11.1 has it, and a line between them that loses, doubles and breaks. */
class World {
  link = resumable();
  toServer: string[] = [];
  toClient: number[] = [];
  isUp = true;
  readonly kept: number[] = [];
  serverSent = 0;
  serverReceived = 0;
  clientSent = 0;
  readonly delivered: number[] = [];
  readonly arrived: number[] = [];

  apply(input: LinkInput, ordinal: number | null = null): void {
    const { state, effects } = stepLink(this.link, input);
    this.link = state;
    for (const effect of effects) {
      if (effect.type === 'transmit' && this.isUp) this.toServer.push(effect.text);
      if (effect.type === 'deliver' && ordinal !== null) this.delivered.push(ordinal);
      if (effect.type === 'dropSocket') this.cut();
    }
  }

  cut(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.toServer = [];
    this.toClient = [];
    this.apply({ type: 'cut' });
  }

  resume(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.toClient = [];
    const after = this.link.received;
    this.apply({ type: 'answer', answer: { ...answer, isResumed: true, received: this.serverReceived } });
    this.toClient = this.kept.filter((ordinal) => ordinal > after);
  }

  clientSends(): void {
    this.clientSent += 1;
    this.apply({ type: 'send', text: `{"n":${this.clientSent}}` });
  }

  serverSends(): void {
    this.serverSent += 1;
    this.kept.push(this.serverSent);
    if (this.isUp) this.toClient.push(this.serverSent);
  }

  serverReads(): void {
    const text = this.toServer.shift();
    if (text === undefined) return;
    const { n, longwire_seq: ordinal } = JSON.parse(text) as { n?: number; longwire_seq?: number };
    if (n === undefined || ordinal === undefined || ordinal <= this.serverReceived) return;
    if (ordinal > this.serverReceived + 1) return this.cut();
    this.serverReceived = ordinal;
    this.arrived.push(n);
  }

  clientReads(): void {
    const ordinal = this.toClient.shift();
    if (ordinal === undefined) return;
    this.apply({ type: 'frame', ordinal, bytes: 20_000, isTerminal: false }, ordinal);
  }
}

const commands = {
  cut: (world: World) => world.cut(),
  resume: (world: World) => world.resume(),
  clientSends: (world: World) => world.clientSends(),
  serverSends: (world: World) => world.serverSends(),
  serverReads: (world: World) => world.serverReads(),
  clientReads: (world: World) => world.clientReads(),
  doubleToServer: (world: World) => void world.toServer.unshift(...world.toServer.slice(0, 1)),
  doubleToClient: (world: World) => void world.toClient.unshift(...world.toClient.slice(0, 1)),
  loseToServer: (world: World) => void world.toServer.shift(),
  loseToClient: (world: World) => void world.toClient.shift(),
};

test('whatever happens to the line, every frame is taken exactly once and in order, on both sides', () => {
  const names = Object.keys(commands) as (keyof typeof commands)[];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...names), { maxLength: 120 }), (steps) => {
      const world = new World();
      for (const step of steps) commands[step](world);
      // A line that holds at last: cut once, so that what was lost on the way is noticed.
      world.cut();
      world.resume();
      while (world.toServer.length > 0) world.serverReads();
      while (world.toClient.length > 0) world.clientReads();
      const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
      expect(world.delivered).toEqual(upTo(world.serverSent));
      expect(world.arrived).toEqual(upTo(world.clientSent));
    }),
    { numRuns: 400 },
  );
});
