/** What a client may do next, for the model and for the server alike. */
import { expect } from 'vitest';
import fc from 'fast-check';
import { unrenderable, type Plan } from './controlled-engine.ts';
import { defaultLane, type Create, type Model } from './model.ts';
import type { World } from './world.ts';

type Command = fc.AsyncCommand<Model, World>;

/** One step: `act` does the same to both sides, and then both must have told the same. */
function step(name: string, act: (model: Model, world: World) => void | Promise<void>): Command {
  return {
    check: () => true,
    async run(model, world) {
      await act(model, world);
      await world.settled();
      expect(Object.fromEntries(world.told)).toEqual(Object.fromEntries(model.told));
    },
    toString: () => name,
  };
}

function pick<T>(list: readonly T[], number: number): T | undefined {
  return list[number % list.length];
}

const lane = fc.constantFrom(defaultLane, 'a', 'a', 'b', 'c', 'd');
const plan = fc.constantFrom<Plan>('text', 'think', 'call', 'call', 'calls', 'limit', 'fail', 'silent');
/** Names that no response has stand for ids that nobody knows. */
const parent = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ of: 'own' as const }) },
  { weight: 2, arbitrary: fc.constant({ of: 'none' as const }) },
  { weight: 2, arbitrary: fc.record({ of: fc.constant('lane' as const), lane }) },
  { weight: 1, arbitrary: fc.record({ of: fc.constantFrom('running', 'ended', 'unknown'), number: fc.nat(20) }) },
);
type Parent = typeof parent extends fc.Arbitrary<infer T> ? T : never;

function parentOf(model: Model, lane: string, choice: Parent): string | null {
  switch (choice.of) {
    case 'none':
      return null;
    case 'own':
      return model.newestOf(lane)?.name ?? null;
    case 'lane':
      return model.newestOf('lane' in choice ? choice.lane : lane)?.name ?? null;
    case 'running':
      return pick(model.running, 'number' in choice ? choice.number : 0) ?? null;
    case 'ended':
      return pick(model.ended, 'number' in choice ? choice.number : 0) ?? null;
    default:
      return 'unknown';
  }
}

/** Which open calls a continuation answers. */
const answering = fc.constantFrom('all', 'all', 'all', 'none', 'orphan', 'last');

function answersOf(model: Model, parent: string | null, which: string): string[] {
  const open = model.openCallsOf(parent);
  switch (which) {
    case 'all':
      return [...open];
    case 'last':
      return open.slice(-1);
    case 'orphan':
      return [...open, 'unknown/1'];
    default:
      return [];
  }
}

const text = fc.oneof(
  { weight: 12, arbitrary: fc.nat(99).map((number) => `u${number}`) },
  { weight: 1, arbitrary: fc.constant(unrenderable) },
);

const creating = fc.record({
  lane,
  parent,
  text,
  answering,
  plan,
  store: fc.boolean(),
  generate: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  model: fc.oneof(
    { weight: 15, arbitrary: fc.constant('test-model' as const) },
    { weight: 1, arbitrary: fc.constant('unknown-model' as const) },
  ),
});

type Creating = typeof creating extends fc.Arbitrary<infer T> ? T : never;

function create(model: Model, world: World, { parent, answering, ...fields }: Creating): void {
  const name = parentOf(model, fields.lane, parent);
  const request: Create = { ...fields, parent: name, answers: answersOf(model, name, answering) };
  world.create(request);
  model.create(request);
}

/** A turn that holds its lane until it is let go. */
const holding: Creating = {
  lane: defaultLane,
  parent: { of: 'none' },
  text: 'u0',
  answering: 'none',
  plan: 'text',
  store: false,
  generate: true,
  model: 'test-model',
};

const mistakes: readonly [fields: object, code: string][] = [
  [{ input: 7 }, 'invalid_type'],
  [{ input: [{ type: 'function_call', call_id: 'c', arguments: '' }] }, 'missing_required_parameter'],
  [{ temperature: 9 }, 'invalid_value'],
  [{ background: true }, 'unsupported_parameter'],
];

const badFrames: readonly [frame: unknown, code: string][] = [
  ['{', 'invalid_json'],
  ['[]', 'invalid_json'],
  [{ model: 'test-model' }, 'missing_event_type'],
  [{ type: 'response.append' }, 'unknown_event_type'],
  [{ type: 'response.inject', response_id: 'resp_1', input: [] }, 'unknown_event_type'],
  [{ type: 'response.create', stream_id: '' }, 'invalid_stream_id'],
  [{ type: 'response.cancel' }, 'missing_required_parameter'],
  [Buffer.from('{}'), 'binary_frame'],
];

/** The targets of steers and cancels: what runs, what waits for tool outputs, and now and then what is over or never was. */
function targetOf(model: Model, number: number): string {
  const [running, waiting] = [model.running, model.waiting];
  const choices = [running, running, waiting, waiting, [...model.ended, 'unknown']][number % 5] ?? [];
  return pick(choices.length > 0 ? choices : running, Math.floor(number / 5)) ?? 'unknown';
}

const number = fc.nat(1000);

/** Everything that a client may do, more often what leads somewhere. */
export const commands: fc.Arbitrary<Command>[] = [
  creating.map((fields) => step(`create ${JSON.stringify(fields)}`, (model, world) => create(model, world, fields))),
  fc.tuple(lane, fc.array(creating, { minLength: 1, maxLength: 5 })).map(([lane, rest]) =>
    step(`pipeline in ${lane} ${JSON.stringify(rest)}`, async (model, world) => {
      // Whatever runs at the head holds the lane: nothing but the order of the frames decides what becomes of the others.
      for (const fields of [holding, ...rest]) {
        create(model, world, { ...fields, lane });
        if (fields === holding) await world.settled();
      }
    }),
  ),
  number.map((number) =>
    step(`release ${number}`, (model, world) => {
      const name = pick(model.running, number);
      if (name === undefined) return;
      world.release(name);
      model.release(name);
    }),
  ),
  fc.tuple(number, text).map(([number, text]) =>
    step(`steer ${number} ${text}`, (model, world) => {
      const name = targetOf(model, number);
      world.send({ type: 'response.steer', previous_response_id: world.idOf(name), input: text });
      model.steer(name, text);
    }),
  ),
  number.map((number) =>
    step(`cancel ${number}`, (model, world) => {
      const name = targetOf(model, number);
      world.send({ type: 'response.cancel', response_id: world.idOf(name) });
      model.cancel(name);
    }),
  ),
  fc.tuple(lane, parent, fc.constantFrom(...mistakes)).map(([lane, choice, [fields, code]]) =>
    step(`malformed in ${lane} after ${choice.of}: ${code}`, (model, world) => {
      const name = parentOf(model, lane, choice);
      const request: Create = {
        lane,
        parent: name,
        text: 'u0',
        answers: [],
        plan: 'text',
        store: false,
        generate: true,
        model: 'test-model',
      };
      world.create(request, fields);
      model.malformed(lane, code, name);
    }),
  ),
  fc.constantFrom(...badFrames).map(([frame, code]) =>
    step(`bad frame: ${code}`, (model, world) => {
      world.send(frame);
      model.badFrame(code);
    }),
  ),
  fc.constant(
    step('reopen', async (model, world) => {
      await world.close();
      model.close();
      await world.open();
    }),
  ),
];

/** Lets everything run out, and looks once more. */
export async function runOut(model: Model, world: World): Promise<void> {
  for (let name = model.running[0]; name !== undefined; name = model.running[0]) {
    await step('release', () => {
      world.release(name as string);
      model.release(name as string);
    }).run(model, world);
  }
  world.requireNothingOpen();
}
