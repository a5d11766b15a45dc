/** Turns as Prometheus counts them; names and buckets are those of OpenTelemetry's conventions where they have them (docs/decisions/0021). */
import type { Usage } from '@longwire/protocol';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import {
  hearFirst,
  type TurnEnd,
  type TurnFacts,
  type TurnMeter,
  type TurnOutcome,
  type TurnWatch,
} from './turn-meter.ts';

/** How turns are counted. */
export interface TurnMetricsOptions {
  /** Whether numbers are told by project too. */
  readonly byProject: boolean;
  /** Monotonic time in milliseconds. */
  readonly now: () => number;
}

/** An upstream may list any number of models, and change them: beyond this many they count as `other`. */
const maxModels = 100;

/** A warm-up generates nothing, and an abandoned turn does not tell how long its answer would have taken. */
const timed: ReadonlySet<TurnOutcome> = new Set(['completed', 'incomplete', 'cancelled', 'steered', 'failed']);

type ModelLabel = 'gen_ai_operation_name' | 'gen_ai_provider_name' | 'gen_ai_request_model';
const modelLabels: readonly ModelLabel[] = ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'];

/** The turns of one server. */
export function createTurnMetrics(registry: Registry, { byProject, now }: TurnMetricsOptions): TurnMeter {
  const registers = [registry];
  const duration = new Histogram({
    name: 'gen_ai_server_request_duration_seconds',
    help: 'From the checked request to its last event, warm-ups left out.',
    labelNames: [...modelLabels, 'error_type'] as const,
    buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68],
    registers,
  });
  const firstToken = new Histogram({
    name: 'gen_ai_server_time_to_first_token_seconds',
    help: "From the checked request to the engine's first event.",
    labelNames: modelLabels,
    buckets: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
    registers,
  });
  const perToken = new Histogram({
    name: 'gen_ai_server_time_per_output_token_seconds',
    help: 'From the first event to the end, by each token after the first.',
    labelNames: modelLabels,
    buckets: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
    registers,
  });
  const tokenUsage = new Histogram({
    name: 'gen_ai_client_token_usage',
    help: 'Tokens of a turn: input is the whole context, what was cached included.',
    labelNames: [...modelLabels, 'gen_ai_token_type'] as const,
    buckets: Array.from({ length: 14 }, (_, power) => 4 ** power),
    registers,
  });
  const tokens = new Counter({
    name: 'longwire_tokens_total',
    help: 'Tokens by what they took: evaluated or cached of the input, reasoning or answer of the output.',
    labelNames: ['engine', 'model', 'type'] as const,
    registers,
  });
  const turns = new Counter({
    name: 'longwire_turns_total',
    help: 'Turns that ended, by how; code is that of the error of a turn that failed.',
    labelNames: ['engine', 'model', 'transport', 'outcome', 'code'] as const,
    registers,
  });
  const running = new Gauge({
    name: 'longwire_turns_running',
    help: 'Turns that run.',
    labelNames: ['engine', 'model', 'transport'] as const,
    registers,
  });
  const histories = new Counter({
    name: 'longwire_turn_histories_total',
    help: 'Turns by where the history in front of their new items came from.',
    labelNames: ['engine', 'history'] as const,
    registers,
  });
  const refusals = new Counter({
    name: 'longwire_refusals_total',
    help: 'Requests that were answered with an error and came to no response, by its code.',
    labelNames: ['door', 'code'] as const,
    registers,
  });
  const projects = byProject ? createProjectMetrics(registers) : null;
  const toModel = createModelLimit();

  function count(facts: TurnFacts, model: string, operation: Operation, usage: Usage): void {
    for (const [type, part] of Object.entries(split(usage))) {
      tokens.inc({ engine: facts.engine, model, type }, part);
      projects?.tokens.inc({ project: facts.project, type }, part);
    }
    const labels = labelsOf(facts, model, operation);
    tokenUsage.observe({ ...labels, gen_ai_token_type: 'input' }, toCount(usage.input_tokens));
    tokenUsage.observe({ ...labels, gen_ai_token_type: 'output' }, toCount(usage.output_tokens));
  }

  function observe(facts: TurnFacts, model: string, times: Times, end: TurnEnd): void {
    const { outcome, code, usage, summaryUsage } = end;
    const { startedMs, firstMs, endedMs } = times;
    const labels = labelsOf(facts, model, 'chat');
    turns.inc({ engine: facts.engine, model, transport: facts.transport, outcome, code: code ?? '' });
    projects?.turns.inc({ project: facts.project, outcome });
    if (timed.has(outcome)) {
      duration.observe({ ...labels, ...(code !== null && { error_type: code }) }, (endedMs - startedMs) / 1000);
    }
    if (summaryUsage) count(facts, model, 'compact', summaryUsage);
    if (usage === null || outcome === 'warmed') return;
    count(facts, model, 'chat', usage);
    const written = toCount(usage.output_tokens);
    if (firstMs === null || written === 0) return;
    firstToken.observe(labels, (firstMs - startedMs) / 1000);
    if (written > 1) perToken.observe(labels, (endedMs - firstMs) / 1000 / (written - 1));
  }

  return {
    begin(facts): TurnWatch {
      const model = toModel(facts.model);
      const runs = running.labels({ engine: facts.engine, model, transport: facts.transport });
      const startedMs = now();
      let firstMs: number | null = null;
      let isOver = false;
      runs.inc();
      histories.inc({ engine: facts.engine, history: facts.history });
      return {
        hear: (events) => hearFirst(events, () => (firstMs = now())),
        end(end) {
          if (isOver) return;
          isOver = true;
          runs.dec();
          observe(facts, model, { startedMs, firstMs, endedMs: now() }, end);
        },
      };
    },
    refuse: (door, code) => refusals.inc({ door, code }),
  };
}

/** The convention's `chat`, and a word of our own for the summaries of compactions. */
type Operation = 'chat' | 'compact';

function labelsOf({ engine }: TurnFacts, model: string, operation: Operation): Record<ModelLabel, string> {
  return { gen_ai_operation_name: operation, gen_ai_provider_name: engine, gen_ai_request_model: model };
}

interface Times {
  readonly startedMs: number;
  readonly firstMs: number | null;
  readonly endedMs: number;
}

function createProjectMetrics(registers: Registry[]) {
  return {
    turns: new Counter({
      name: 'longwire_project_turns_total',
      help: 'Turns that ended, by project; only with --metrics-projects.',
      labelNames: ['project', 'outcome'] as const,
      registers,
    }),
    tokens: new Counter({
      name: 'longwire_project_tokens_total',
      help: 'Tokens by what they took, by project; only with --metrics-projects.',
      labelNames: ['project', 'type'] as const,
      registers,
    }),
  };
}

/** Parts that add up to all tokens of the turn. */
function split({ input_tokens, input_tokens_details, output_tokens, output_tokens_details }: Usage) {
  const cached = toCount(input_tokens_details.cached_tokens);
  const reasoning = toCount(output_tokens_details.reasoning_tokens);
  return {
    evaluated: toCount(input_tokens - cached),
    cached,
    reasoning,
    answer: toCount(output_tokens - reasoning),
  };
}

/** What an upstream counted may be anything, and a metric that refuses it must not end a turn. */
function toCount(tokens: number): number {
  return Number.isFinite(tokens) && tokens > 0 ? tokens : 0;
}

function createModelLimit(): (model: string) => string {
  const known = new Set<string>();
  return (model) => {
    if (known.size < maxModels) known.add(model);
    return known.has(model) ? model : 'other';
  };
}
