import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../src/transport/ledger.ts';

/** One end of a connection: what it has said, and what it has heard. */
interface End {
  readonly ledger: Ledger;
  readonly said: string[];
  readonly heard: string[];
  /** What is on its way to it. */
  inbound: string[];
}

const createEnd = (): End => ({ ledger: new Ledger(), said: [], heard: [], inbound: [] });

interface Numbered {
  readonly text: string;
  readonly longwire_seq: number;
}

function say(from: End, to: End, text: string): void {
  from.said.push(text);
  from.ledger.keep(JSON.stringify({ text }));
  to.inbound.push(...from.ledger.after(from.ledger.sent - 1));
}

/** Hears the first `count` frames that are on their way. */
function hear(end: End, count: number): void {
  for (const frame of end.inbound.splice(0, count)) {
    const { text, longwire_seq } = JSON.parse(frame) as Numbered;
    const arrival = end.ledger.arrive(longwire_seq);
    if (arrival === 'gap') throw new Error(`A gap before ${longwire_seq}.`);
    if (arrival === 'next') end.heard.push(text);
  }
}

/** The socket breaks: what is on its way is lost, and each end sends what the other has not got. */
function reconnect(one: End, other: End): void {
  for (const [end, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    expect(end.ledger.reaches(peer.ledger.received)).toBe(true);
    peer.inbound = [...end.ledger.after(peer.ledger.received)];
  }
}

const command = fc.oneof(
  fc.record({ kind: fc.constant('say' as const), side: fc.boolean(), text: fc.string() }),
  fc.record({ kind: fc.constant('hear' as const), side: fc.boolean(), count: fc.nat(5) }),
  fc.record({ kind: fc.constant('acknowledge' as const), side: fc.boolean() }),
  fc.record({ kind: fc.constant('repeat' as const), side: fc.boolean(), count: fc.nat(3) }),
  fc.record({ kind: fc.constant('cut' as const) }),
);

describe('two ledgers', () => {
  it('lose nothing, double nothing and keep only what is not acknowledged, whatever breaks in between', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const server = createEnd();
        const client = createEnd();
        for (const each of commands) {
          if (each.kind === 'cut') {
            reconnect(server, client);
            continue;
          }
          const [end, peer] = each.side ? [server, client] : [client, server];
          switch (each.kind) {
            case 'say':
              say(end, peer, each.text);
              break;
            case 'hear':
              hear(end, each.count);
              break;
            case 'acknowledge':
              end.ledger.acknowledge(peer.ledger.received);
              break;
            case 'repeat':
              // A frame that is on its way comes twice.
              end.inbound = [...end.inbound.slice(0, each.count), ...end.inbound];
          }
        }
        reconnect(server, client);
        for (const [end, peer] of [
          [server, client],
          [client, server],
        ] as const) {
          hear(end, Infinity);
          expect(end.heard).toEqual(peer.said);
          peer.ledger.acknowledge(end.ledger.received);
          expect(peer.ledger.keptBytes).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a ledger', () => {
  it('counts bytes and not characters', () => {
    const ledger = new Ledger();
    ledger.keep('{"text":"ü"}');
    expect(ledger.after(0)).toEqual(['{"text":"ü","longwire_seq":1}']);
    expect(ledger.keptBytes).toBe(Buffer.byteLength('{"text":"ü","longwire_seq":1}'));
  });

  it('knows what came, what came twice and what is missing', () => {
    const ledger = new Ledger();
    expect([1, 1, 3, 2, 3].map((ordinal) => ledger.arrive(ordinal))).toEqual([
      'next',
      'duplicate',
      'gap',
      'next',
      'next',
    ]);
    expect(ledger.received).toBe(3);
  });

  it('goes on only where every frame is still there', () => {
    const ledger = new Ledger();
    for (let n = 0; n < 4; n++) ledger.keep('{"a":1}');
    expect(ledger.acknowledge(5)).toBe(false);
    expect(ledger.acknowledge(2)).toBe(true);
    expect(ledger.acknowledge(1)).toBe(true);
    expect([0, 1, 2, 3, 4, 5].map((ordinal) => ledger.reaches(ordinal))).toEqual([
      false,
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(ledger.after(3)).toEqual(['{"a":1,"longwire_seq":4}']);
  });
});
