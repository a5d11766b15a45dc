/**
 * What a turn's prompt costs in our process where an engine takes token ids (G13): rendered and tokenised from what is new, beside the tokenizer
 * alone on the same text, and beside the whole history rendered and tokenised again, with which every token is compared.
 */
import { createChatTemplate } from '../../packages/server/src/engine/chat-template/template.ts';
import { median, quantile, shuffled, toFigure, type Figure } from '../figures.ts';
import { reasoningTemplate } from '../prompt/templates.ts';
import { loadDemoTokenizer, type DemoTokenizer } from '../prompt/vocabulary.ts';
import { PromptWalk, type ComparedTurn, type PromptTurn } from '../prompt/walk.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Findings, SuiteOptions } from './suite.ts';

const rollouts = ['airline-27', 'coding-30', 'coding-90', 'coding-170'] as const;
/** What is drawn, and rendered in full in every round. */
const longest = 'coding-170';
/** Compared with both templates in every run, the others with the first one: a turn in full takes a tenth of a second. */
const short: readonly string[] = ['airline-27', 'coding-30'];
/** Of the longest rollout, every so many turns are compared in a run that is not full. */
const briefStep = 3;
/** Turns before this one warm up a conversation. */
const firstTurn = 5;
/** Each takes two seconds. */
const briefRounds = 5;

type TemplateId = 'demo' | 'reasoning';
const templateNames: Readonly<Record<TemplateId, string>> = {
  demo: "the demo model's template",
  reasoning: 'a template that forgets old reasoning',
};
const templateIds = Object.keys(templateNames) as TemplateId[];

/** One template over all rollouts. */
type Walks = ReadonlyMap<string, PromptWalk>;

/** One template in one round. */
interface PromptRound {
  readonly turns: ReadonlyMap<string, readonly PromptTurn[]>;
  /** The last turn of the longest rollout, rendered and tokenised in full. */
  readonly full: ComparedTurn;
}

/** Runs the suite: half a minute, and twice that with `full`. */
export async function measurePrompts({ rounds, full, progress }: SuiteOptions): Promise<Findings> {
  await using demo = await loadDemoTokenizer();
  const walks = { demo: await open(demo, demo.chatTemplate), reasoning: await open(demo, reasoningTemplate) };
  const compared: Record<TemplateId, ReadonlyMap<string, readonly ComparedTurn[]>> = {
    demo: await compare(walks.demo, rollouts, full, (name) => progress(`prompt: ${name} in full`)),
    reasoning: await compare(walks.reasoning, full ? rollouts : short, full, (name) =>
      progress(`prompt: ${name} in full, ${templateNames.reasoning}`),
    ),
  };
  const found: Record<TemplateId, PromptRound[]> = { demo: [], reasoning: [] };
  const last = full ? rounds : Math.min(rounds, briefRounds);
  for (let round = 0; round <= last; round++) {
    progress(`prompt: round ${round} of ${last}${round === 0 ? ' (warm-up)' : ''}`);
    for (const id of shuffled(templateIds)) {
      const measured = await measureRound(walks[id]);
      if (round > 0) found[id].push(measured);
    }
  }
  return {
    figures: templateIds.flatMap((id) => toFigures(id, found[id], [...compared[id].values()].flat())),
    plots: [
      {
        id: 'prompt',
        title: `Making the prompt of a turn, ${longest}`,
        x: 'tokens of context',
        y: 'us',
        logY: true,
        series: [
          ...templateIds.map((id) => ({
            name: `from what is new, ${templateNames[id]}`,
            points: toCurve(found[id], compared.demo.get(longest) ?? []),
          })),
          {
            name: 'from the whole history',
            points: (compared.demo.get(longest) ?? []).map(({ tokens, fullUs }) => [tokens, fullUs] as const),
          },
        ],
      },
    ],
    notes: [],
  };
}

async function open({ vocabulary }: DemoTokenizer, source: string): Promise<Walks> {
  const template = await createChatTemplate(source, vocabulary);
  return new Map(rollouts.map((name) => [name, new PromptWalk(loadWorkload(name), template, vocabulary)]));
}

async function compare(
  walks: Walks,
  names: readonly string[],
  full: boolean,
  begin: (name: string) => void,
): Promise<Map<string, readonly ComparedTurn[]>> {
  const turns = new Map<string, readonly ComparedTurn[]>();
  for (const name of names) {
    begin(name);
    const step = name === longest && !full ? briefStep : 1;
    turns.set(name, (await walks.get(name)?.compare((turn) => turn % step === 0)) ?? []);
  }
  return turns;
}

async function measureRound(walks: Walks): Promise<PromptRound> {
  const turns = new Map<string, readonly PromptTurn[]>();
  for (const [name, walk] of shuffled([...walks])) turns.set(name, await walk.measure());
  const last = (turns.get(longest)?.length ?? 0) - 1;
  const [full] = (await walks.get(longest)?.compare((turn) => turn === last)) ?? [];
  if (!full) throw new Error(`${longest} has no turns.`);
  return { turns, full };
}

function toFigures(id: TemplateId, rounds: readonly PromptRound[], compared: readonly ComparedTurn[]): Figure[] {
  const name = templateNames[id];
  const pooled = rounds.map(({ turns }) => [...turns.values()].flatMap((each) => each.slice(firstTurn)));
  const share = (of: keyof PromptTurn, part: number) =>
    pooled.map((turns) =>
      quantile(
        turns.map((turn) => turn[of]),
        part,
      ),
    );
  const late = rounds.map(({ turns }) => turns.get(longest)?.at(-1)?.deltaUs ?? Number.NaN);
  const floorName = 'tokenizer alone';
  return [
    toFigure(
      { id: `prompt.${id}`, name: `prompt of a turn, ${name}, p50`, unit: 'us', floorName },
      share('deltaUs', 0.5),
      share('floorUs', 0.5),
    ),
    toFigure(
      { id: `prompt.${id}.p99`, name: `the same, p99`, unit: 'us', floorName },
      share('deltaUs', 0.99),
      share('floorUs', 0.99),
    ),
    toFigure(
      { id: `prompt.${id}.own`, name: 'of it, more than the tokenizer alone, p50', unit: 'us' },
      pooled.map((turns) => median(turns.map(({ deltaUs, floorUs }) => deltaUs - floorUs))),
    ),
    toFigure(
      { id: `prompt.${id}.full`, name: `last turn of ${longest} in full`, unit: 'us', floorName: 'from what is new' },
      rounds.map(({ full }) => full.fullUs),
      late,
    ),
    toFigure(
      {
        id: `prompt.${id}.differs`,
        name: `turns of ${compared.length} whose tokens differ from a full encode`,
        unit: '',
      },
      [compared.filter(({ isExact }) => !isExact).length],
    ),
  ];
}

/** The median of the rounds for each turn that was compared, at its place on the axis. */
function toCurve(rounds: readonly PromptRound[], axis: readonly ComparedTurn[]): [number, number][] {
  return axis.map(({ turn, tokens }) => [
    tokens,
    median(rounds.flatMap(({ turns }) => turns.get(longest)?.[turn]?.deltaUs ?? [])),
  ]);
}
