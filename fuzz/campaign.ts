/** A campaign: so many inputs against one server, and what became of it. */
import { performance } from 'node:perf_hooks';
import { Child, type Memory } from './child.ts';
import { firePost, fireNoise } from './http.ts';
import { Inputs, type Input } from './inputs.ts';
import { Random } from './random.ts';
import { Session } from './session.ts';

/** What to do. */
export interface Campaign {
  readonly inputs: number;
  readonly seed: number;
  readonly onProgress?: (progress: Progress) => void;
}

/** How far it is. */
export interface Progress {
  readonly inputs: number;
  readonly frames: number;
  readonly responses: number;
  readonly elapsedMs: number;
}

/** Something that must not be. */
export interface Finding {
  readonly reason: string;
  /** One input where it could be narrowed down, else the batch. */
  readonly inputs: readonly Input[];
  readonly log: readonly string[];
}

/** What came of it. `before` is measured when the server was warm. */
export interface Report extends Progress {
  readonly finding: Finding | null;
  readonly before: Memory;
  readonly after: Memory;
}

/** The first of them is a resumable connection whose sockets break. */
const sockets = 4;
const batchSize = 250;
/** A socket has 32 lanes in its life, and made-up names use them up. */
const batchesPerSocket = 40;
/** One POST, and one connection of noise, for so many inputs. */
const inputsPerPost = 125;
const inputsPerNoise = 2500;

/** Fires until the inputs are spent or something is found. */
export async function runCampaign({ inputs: wanted, seed, onProgress }: Campaign): Promise<Report> {
  await using child = await Child.start();
  const random = new Random(seed);
  const ids: string[] = [];
  const source = new Inputs(random, ids);
  const startedAt = performance.now();
  const warmAt = Math.min(wanted / 10, 50_000);
  let fired = 0;
  let frames = 0;
  let responses = 0;
  let before: Memory | null = null;
  let finding: Finding | null = null;
  const progress = (): Progress => ({ inputs: fired, frames, responses, elapsedMs: performance.now() - startedAt });

  async function fireSocket(cuts: Random | null): Promise<void> {
    const session = await Session.open(child.url, ids, cuts);
    for (let batch = 0; batch < batchesPerSocket && fired < wanted && finding === null; batch++) {
      const inputs = Array.from({ length: Math.min(batchSize, wanted - fired) }, () => source.next());
      fired += inputs.length;
      try {
        await session.fire(inputs);
        for (let left = inputs.length; left >= inputsPerPost; left -= inputsPerPost) await fireBody();
        if (random.below(inputsPerNoise) < inputs.length) await fireNoise(child.url, random);
      } catch (error) {
        finding ??= { ...(await narrowDown(child, error as Error, inputs)), log: [...child.lines] };
      }
      onProgress?.(progress());
    }
    frames += session.frames;
    responses += session.responses;
    session.close();
  }

  async function fireBody(): Promise<void> {
    const body = source.nextBody();
    fired++;
    try {
      await firePost(child.url, body);
    } catch (error) {
      finding ??= { reason: `POST: ${(error as Error).message}`, inputs: [body], log: [...child.lines] };
    }
  }

  async function fireOn(cuts: Random | null): Promise<void> {
    while (fired < wanted && finding === null) {
      await fireSocket(cuts);
      if (before === null && fired >= warmAt && finding === null) before = await child.memory();
    }
  }

  await Promise.all(Array.from({ length: sockets }, (_, index) => fireOn(index === 0 ? new Random(seed + 1) : null)));
  if (finding === null && child.lines.some((line) => line.includes('"level":"error"'))) {
    finding = { reason: 'The server logged an error.', inputs: [], log: child.lines };
  }
  const after = child.isAlive ? await child.memory() : { rss: 0, heapUsed: 0 };
  return { ...progress(), finding, before: before ?? after, after };
}

/** Sends the inputs of a batch one by one, each on a socket of its own: most findings need no more than one. */
async function narrowDown(child: Child, error: Error, inputs: readonly Input[]): Promise<Omit<Finding, 'log'>> {
  const reason = child.isAlive ? error.message : `The server died. ${error.message}`;
  if (!child.isAlive) return { reason, inputs };
  for (const input of inputs) {
    const session = await Session.open(child.url, [], null);
    try {
      await session.fire([input]);
    } catch (again) {
      return { reason: (again as Error).message, inputs: [input] };
    } finally {
      session.close();
    }
  }
  return { reason, inputs };
}
