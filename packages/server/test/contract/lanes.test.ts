/** The server against the reference model: random clients with many lanes, on real sockets. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startTestServer } from '../harness.ts';
import { commands, runOut } from './commands.ts';
import { createControlledEngine } from './controlled-engine.ts';
import { limits, Model } from './model.ts';
import { World } from './world.ts';

/** How many random clients; more with `LONGWIRE_MODEL_RUNS`. */
const runs = Number(process.env['LONGWIRE_MODEL_RUNS'] ?? 200);

const flags = Object.entries({
  '--max-lanes': limits.maxLanes,
  '--max-in-flight': limits.maxInFlight,
  '--max-queued': limits.maxQueued,
  '--max-pending-steers': limits.maxPendingSteers,
}).flatMap(([flag, limit]) => [flag, String(limit)]);

it(
  `tells every lane what the reference model tells it (${runs} clients)`,
  async () => {
    const controlled = createControlledEngine();
    await using server = await startTestServer({ engines: [controlled.engine], flags });
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (sequence) => {
        const world = new World(server, controlled);
        const model = new Model();
        await world.open();
        try {
          await fc.asyncModelRun(() => ({ model, real: world }), sequence);
          await runOut(model, world);
        } finally {
          await world.close();
        }
      }),
      { numRuns: runs },
    );
    expect(runs).toBeGreaterThan(0);
  },
  20_000 + runs * 200,
);
