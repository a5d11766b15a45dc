/** What the suite plays: agents on four lanes of one connection, six tool calls each, every lane with a model and calls of its own. */
import type { Connection, Lane } from '@longwire/client';
import type { Item, OutputItem, ServerEvent } from '@longwire/protocol';
import type { Engine } from '../../src/engine/engine.ts';
import { createScriptedEngine } from '../../src/engine/scripted/scripted.ts';
import type { WorkloadTurn } from '../../src/engine/scripted/workload.ts';
import { callTurn, textTurn } from '../harness.ts';

export const laneNames = ['north', 'east', 'south', 'west'] as const;
export type LaneName = (typeof laneNames)[number];

/** Fast, but one event after the other: a line can be cut while the model speaks. */
const tokensPerSecond = 4000;

/** What the application at one lane saw and did. */
export interface LaneStory {
  /** Everything it was given and everything that it answered, in order, without what is different in each run (ids, padding). */
  readonly transcript: readonly string[];
  /** What ended it before its time; null where it came to its end. */
  readonly error: Error | null;
}

/** What the agents did, all lanes together. */
export interface RolloutStory {
  readonly lanes: Readonly<Record<LaneName, LaneStory>>;
  /** How often each call was run. */
  readonly toolRuns: ReadonlyMap<string, number>;
}

/** One engine for each lane; `onGenerate` is told of each turn of a model, such as `north 3`. */
export function createRolloutEngines(onGenerate: (turn: string) => void): Engine[] {
  return laneNames.map((name) => {
    const workload = { name, instructions: '', tools: [], turns: turnsOf(name) };
    const engine = createScriptedEngine({ workload, rate: tokensPerSecond });
    const counting: typeof engine = {
      ...engine,
      generate: (request, signal) => {
        onGenerate(`${name} ${request.context.turns + 1}`);
        return engine.generate(request, signal);
      },
    };
    return counting as Engine;
  });
}

/** Plays every lane to its end, or to what ends it. Never throws. */
export async function playRollout(connection: Connection): Promise<RolloutStory> {
  const toolRuns = new Map<string, number>();
  const stories = laneNames.map(async (name): Promise<[LaneName, LaneStory]> => {
    return [name, await playLane(connection.lane(name), name, toolRuns)];
  });
  return { lanes: Object.fromEntries(await Promise.all(stories)) as Record<LaneName, LaneStory>, toolRuns };
}

function turnsOf(lane: LaneName): WorkloadTurn[] {
  const call = (step: string): [string, string, string] => [`call_${lane}_${step}`, 'look', `{"at":"${step}"}`];
  return [
    callTurn(call('1')),
    callTurn(call('2a'), call('2b')),
    callTurn(call('3')),
    callTurn(call('4')),
    callTurn(call('5')),
    textTurn(`All is seen in the ${lane}.`),
  ];
}

async function playLane(lane: Lane, model: LaneName, toolRuns: Map<string, number>): Promise<LaneStory> {
  const transcript: string[] = [];
  let input: Item[] = [{ type: 'message', role: 'user', content: `Look around in the ${model}.` } as Item];
  try {
    while (input.length > 0) {
      transcript.push(...input.map((item) => JSON.stringify(item)));
      const turn = lane.create({ model, input });
      const outputs: Item[] = [];
      for await (const event of turn) {
        transcript.push(describe(event));
        // As agents do: a call is run as soon as it is whole, long before the response is.
        if (event.type === 'response.output_item.done') outputs.push(...(await runTool(event.item, toolRuns)));
      }
      const response = await turn.response;
      transcript.push(JSON.stringify(response.output, withoutIds));
      input = outputs;
    }
    return { transcript, error: null };
  } catch (error) {
    return { transcript, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function runTool(item: OutputItem, toolRuns: Map<string, number>): Promise<Item[]> {
  if (item.type !== 'function_call') return [];
  toolRuns.set(item.call_id, (toolRuns.get(item.call_id) ?? 0) + 1);
  await new Promise(setImmediate);
  return [{ type: 'function_call_output', call_id: item.call_id, output: `seen ${item.arguments}` } as Item];
}

/** An event without what differs from run to run: what is left must come exactly once, and in order. */
function describe(event: ServerEvent): string {
  const place = 'output_index' in event ? ` ${String(event.output_index)}` : '';
  const delta = 'delta' in event ? ` ${String(event.delta)}` : '';
  return `${event.sequence_number ?? '–'} ${event.type}${place}${delta}`;
}

function withoutIds(key: string, value: unknown): unknown {
  return key === 'id' ? undefined : value;
}
