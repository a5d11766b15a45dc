/**
 * What a prewarm is worth (G14): the time to the first token of a conversation's first real turn behind `generate:false`, beside that of a
 * continuation with as much in front of it and as much that is new, and beside a first turn that nobody announced.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { createRandom } from '../../packages/server/src/workloads/random.ts';
import { toProse } from '../../packages/server/src/workloads/prose.ts';
import { startChild, type Child } from '../child.ts';
import { withFrontEnd } from '../engine/cost.ts';
import { shuffled, toFigure, type Figure } from '../figures.ts';
import { openSocket, takeTurn } from '../socket-turn.ts';
import type { Findings, SuiteOptions } from './suite.ts';

/** An engine, and how much is in front of a turn and new in it, in tokens of four bytes. */
interface Scene {
  readonly id: string;
  readonly name: string;
  readonly args: readonly string[];
  readonly model: string;
  readonly frontTokens: number;
  readonly newTokens: number;
}

const scenes: readonly Scene[] = [
  {
    id: 'tokens',
    name: 'engine of token ids, modelled time, 20,000 tokens in front',
    // Chains are rendered and tokenised by Longwire itself: what is modelled is the prefill.
    args: ['--tokens', 'paced', '--pace', JSON.stringify(withFrontEnd(0, 0))],
    model: 'paced',
    frontTokens: 20_000,
    newTokens: 400,
  },
  {
    id: 'embedded',
    name: 'embedded demo model',
    args: ['--demo'],
    model: 'tiny-demo',
    frontTokens: 500,
    newTokens: 100,
  },
];

const ways = ['prewarmed', 'continued', 'cold'] as const;
type Way = (typeof ways)[number];
/** One round of a scene: milliseconds to the first token. */
type WarmUpRound = Readonly<Record<Way, number>>;

/** How often the server is asked whether a prewarm is done, and for how long at most. */
const [pollMs, deadlineMs] = [20, 20_000];
/** As measured, but no more of them in a run that is not full: a cold turn takes a second. */
const briefRounds = 5;

/** Runs the suite: half a minute. */
export async function measureWarmUps({ rounds, full, progress }: SuiteOptions): Promise<Findings> {
  const figures: Figure[] = [];
  for (const scene of scenes) {
    await using server = await startChild('./servers/longwire.ts', { args: scene.args });
    const found: WarmUpRound[] = [];
    const last = full ? rounds : Math.min(rounds, briefRounds);
    for (let round = 0; round <= last; round++) {
      progress(`warm-up: ${scene.name}, round ${round} of ${last}${round === 0 ? ' (warm-up)' : ''}`);
      const measured = await measureRound(scene, server, round);
      if (round > 0) found.push(measured);
    }
    figures.push(...toFigures(scene, found));
  }
  return { figures, plots: [], notes: [] };
}

async function measureRound(scene: Scene, server: Child, round: number): Promise<WarmUpRound> {
  const times: Record<Way, number> = { prewarmed: 0, continued: 0, cold: 0 };
  for (const way of shuffled(ways)) {
    const socket = await openSocket(server.url);
    times[way] = await measureFirst(socket, scene, way, `${scene.id} ${way} ${round}`);
    socket.terminate();
  }
  return times;
}

/** Milliseconds to the first token of the turn in question. `seed` sets its conversation apart: no other has said the same. */
async function measureFirst(socket: WebSocket, scene: Scene, way: Way, seed: string): Promise<number> {
  const random = createRandom(seed);
  const { model, frontTokens, newTokens } = scene;
  const front = {
    model,
    instructions: `${seed}: ${toProse(random, frontTokens)}`,
    max_output_tokens: 4,
    temperature: 0,
  };
  const question = { ...front, input: toProse(random, newTokens) };
  switch (way) {
    case 'cold':
      return (await takeTurn(socket, question)).firstMs;
    case 'continued': {
      const { response } = await takeTurn(socket, { ...front, input: 'Hi.' });
      return (await takeTurn(socket, { ...question, previous_response_id: response.id })).firstMs;
    }
    case 'prewarmed': {
      const id = await prewarm(socket, front);
      return (await takeTurn(socket, { ...question, previous_response_id: id })).firstMs;
    }
  }
}

/** Announces a conversation, and waits until the engine has evaluated all of it: users take longer to write. The id to go on from. */
async function prewarm(socket: WebSocket, front: Readonly<Record<string, unknown>>): Promise<string> {
  const request = { ...front, input: [], generate: false };
  let { response } = await takeTurn(socket, request);
  const endsMs = performance.now() + deadlineMs;
  while (cachedOf(response.usage) < (response.usage?.input_tokens ?? 0)) {
    if (performance.now() > endsMs) throw new Error(`A prewarm was not done after ${deadlineMs} ms.`);
    await sleep(pollMs);
    ({ response } = await takeTurn(socket, { ...request, previous_response_id: response.id }));
  }
  return response.id;
}

function cachedOf(usage: Awaited<ReturnType<typeof takeTurn>>['response']['usage']): number {
  return usage?.input_tokens_details.cached_tokens ?? 0;
}

function toFigures({ id, name }: Scene, rounds: readonly WarmUpRound[]): Figure[] {
  const of = (way: Way) => rounds.map((round) => round[way]);
  const floorName = 'continuation of the same size';
  return [
    toFigure(
      { id: `warm-up.${id}`, name: `first token of a prewarmed first turn, ${name}`, unit: 'ms', floorName },
      of('prewarmed'),
      of('continued'),
    ),
    toFigure(
      { id: `warm-up.${id}.cold`, name: 'the same without prewarm', unit: 'ms', floorName },
      of('cold'),
      of('continued'),
    ),
  ];
}
