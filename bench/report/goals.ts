/** The goals that this benchmark can judge, each against the floor of the same run. */
import { median, ratios, type Figure } from '../figures.ts';
import type { Verdict } from './report.ts';
import { atMost, toMargin, type Goal } from './goal.ts';
import { savingGoals } from './saving-goals.ts';
import { spread, toText } from './table.ts';

const goals: readonly Goal[] = [
  {
    id: 'G1',
    goal: 'added to a turn at 100k tokens, p50: at most 2x a bare hop',
    figures: ['turn.session.added'],
    of: 'ratio',
    limit: atMost(2),
    hint: 'Checks, the chain and the second socket are what a bare hop has not; where the ratio swings between rounds, it is the machine.',
  },
  {
    id: 'G1',
    goal: 'added to a turn at 100k tokens, p99: at most 1 ms',
    figures: ['turn.session.added.p99'],
    of: 'value',
    limit: atMost(1000),
    hint: 'The tail is the scheduler of the machine and collections of the heap: where the floor has it too, it is the machine.',
  },
  {
    id: 'G2',
    goal: 'instructions of a turn behind 1.3 MB of history, to 0.3 MB: at most 1.1x',
    figures: ['cost.historyFactor'],
    of: 'value',
    limit: atMost(1.1),
    hint: 'Something in a turn goes through the history: a profile of late turns beside early ones shows it.',
  },
  {
    id: 'G2',
    goal: 'instructions of a turn of a token-id engine behind 500,000 tokens, to 10,000: at most 1.05x',
    figures: ['cost.tokenHistoryFactor'],
    of: 'value',
    limit: atMost(1.05),
    hint: 'Something in a turn goes through the ids: a profile of late turns beside early ones shows it.',
  },
  {
    id: 'G3',
    goal: 'instructions of a turn: at most 4x a bare ws turn',
    figures: ['cost.turnInstructions'],
    of: 'ratio',
    limit: atMost(4),
    hint: 'A turn of airline-27 has 40 events to frame and number, which the bare turn has not.',
  },
  {
    id: 'G4',
    goal: 'CPU of an event: at most 1.5x a bare node:http hop',
    figures: ['events.text.cpu'],
    of: 'ratio',
    limit: atMost(1.5),
    hint: 'An event of chat completions is read, renamed, numbered and framed anew, where the bare hop passes bytes on.',
  },
  {
    id: 'G5',
    goal: '24 streams of 1,000 tokens a second: an event at most 5 ms late, p99',
    figures: ['events.crowd.late.p99'],
    of: 'value',
    limit: atMost(5000),
    hint: 'Client, engine and server share the cores of this machine: where the floor is late too, the scheduler is.',
  },
  {
    id: 'G6',
    goal: 'an event on its way, p50: at most 1.3x a bare hop',
    figures: ['events.session.late'],
    of: 'ratio',
    limit: atMost(1.3),
    hint: 'The engine, the server and the client wake each other for each token: on few cores they wait for one another.',
  },
  {
    id: 'G6',
    goal: 'an event on its way, p99: at most 2 ms',
    figures: ['events.session.late.p99'],
    of: 'value',
    limit: atMost(2000),
    hint: 'The tail is the scheduler of the machine: where the floor has it too, it is not ours.',
  },
  {
    id: 'G7',
    goal: 'memory of an idle connection: at most 12 KB',
    figures: ['memory.idle'],
    of: 'value',
    limit: atMost(12),
    hint: '7 to 8 KB are the socket itself and its half of ws; the rest is the state of a connection.',
  },
  {
    id: 'G8',
    goal: 'memory of a conversation: at most 1.4x its JSON',
    figures: ['memory.history'],
    of: 'ratio',
    limit: atMost(1.4),
    hint: 'Items are packed by the text that their engine holds: one that holds none, or has replicas, keeps more (decision 19).',
  },
  {
    id: 'G9',
    goal: 'held by a compressed connection after a turn: at most 64 KB',
    figures: ['memory.deflate'],
    of: 'value',
    limit: atMost(64),
    hint: "32 KB are the window of deflate, which the client's next frame refers to.",
  },
  {
    id: 'G12',
    goal: 'our share of a turn of 213 tokens at 4,000 a second, RTT 0: at most 3 % (1.6 ms)',
    figures: ['turn.session.added'],
    of: 'value',
    limit: atMost(1600),
    hint: 'It is what is added to a turn, p50: see G1.',
  },
  {
    id: 'G13',
    goal: 'prompt of a turn, rendered and tokenised, p50: at most 1 ms',
    figures: ['prompt.demo'],
    of: 'value',
    limit: atMost(1000),
    hint: 'The floor is the tokenizer alone on the new text; the rest is three renderings of the template.',
  },
  {
    id: 'G13',
    goal: 'prompt of a turn, rendered and tokenised, p50: at most 150 us',
    figures: ['prompt.demo'],
    of: 'value',
    limit: atMost(150),
    hint: 'The floor is the tokenizer alone on the new text, llama.cpp with a small vocabulary: it takes most of that by itself.',
    isMoonshot: true,
  },
  {
    id: 'G13',
    goal: 'turns whose tokens differ from a full encode: none',
    figures: ['prompt.demo.differs', 'prompt.reasoning.differs'],
    which: 'worst',
    of: 'value',
    limit: atMost(0),
    hint: 'A template looks further than its probes saw, or a token reaches over a seam.',
  },
  {
    id: 'G14',
    goal: 'first token behind a prewarm, engine of token ids: at most 1.1x a continuation',
    figures: ['warm-up.tokens'],
    of: 'ratio',
    limit: atMost(1.1),
    hint: 'Both wait 25 ms for a modelled engine: a tenth of that is less than a busy machine takes from either.',
  },
  {
    id: 'G14',
    goal: 'first token behind a prewarm, embedded model: at most 1.1x a continuation',
    figures: ['warm-up.embedded'],
    of: 'ratio',
    limit: atMost(1.1),
    hint: 'Evaluation takes all cores: what else runs on the machine is in both, and not in the same places.',
  },
  {
    id: 'G15',
    goal: 'a peer that vanished is seen within 15 s, the last of all',
    figures: ['failure.dead.last'],
    of: 'value',
    limit: atMost(15),
    hint: 'By the defaults it is 13.5 s: a busy machine was late with its pings.',
  },
  {
    id: 'G15',
    goal: 'waiting for a reader that stalls: at most 1 MB',
    figures: ['failure.stalled'],
    of: 'value',
    limit: atMost(1024),
    hint: 'The limit is --outbound-limit-bytes, and one batch of events may stand above it.',
  },
  {
    id: 'G15',
    goal: 'a cut at RTT 80 ms that is taken up again: at most 1 round trip beyond the new connection',
    figures: ['failure.resume.80.beyond'],
    of: 'value',
    limit: atMost(1),
    hint: 'Nothing is sent again: a client or a server hesitates.',
  },
  {
    id: 'G15',
    goal: 'a cut at RTT 80 ms after which 3k tokens of history are sent again: at most 1 round trip beyond it',
    figures: ['failure.resend.80.beyond'],
    of: 'value',
    limit: atMost(1),
    hint: 'It fits into the first window of TCP: a client or a server hesitates.',
  },
  {
    id: 'G15',
    goal: 'a cut at RTT 80 ms after which 100k tokens of history are sent again: at most 1 round trip beyond it',
    figures: ['failure.resend-long.80.beyond'],
    of: 'value',
    limit: atMost(1),
    hint: 'A new connection lets 14.6 KB out and doubles that with each round trip: 400 KB take five. A connection that is taken up again sends none of them.',
  },
  {
    id: 'G15',
    goal: 'events lost over all cuts: none',
    figures: ['failure.lost'],
    of: 'value',
    limit: atMost(0),
    hint: 'A resumable connection was not taken up: npm run chaos finds the frame.',
  },
  {
    id: 'G15',
    goal: 'events that came twice over all cuts: none',
    figures: ['failure.doubled'],
    of: 'value',
    limit: atMost(0),
    hint: 'An ordinal was not looked at: npm run chaos finds the frame.',
  },
  ...savingGoals,
];

/** Every goal; those whose figures a run lacks are told as not measured. */
export function judgeGoals(figures: readonly Figure[]): Verdict[] {
  return goals.map((goal) => judge(goal, figures));
}

function judge(goal: Goal, figures: readonly Figure[]): Verdict {
  const { id, limit, of } = goal;
  const told = { id, goal: goal.goal, isMoonshot: goal.isMoonshot ?? false };
  const judged = goal.figures
    .flatMap((start) => figures.filter((figure) => figure.id.startsWith(start)))
    .map((figure) => ({
      figure,
      value: median(of === 'ratio' ? ratios(figure) : figure.rounds.map(({ value }) => value)),
    }))
    .filter(({ value }) => !Number.isNaN(value));
  if (goal.which === 'worst') judged.sort((a, b) => toMargin(limit, a.value) - toMargin(limit, b.value));
  const found = judged[0];
  if (found === undefined) return { ...told, value: null, floor: null, isReached: null, hint: null };
  const { figure, value } = found;
  const values = spread(figure.rounds.map((round) => round.value));
  const floors = figure.rounds.flatMap(({ floor }) => (floor === null ? [] : [floor]));
  const isReached = toMargin(limit, value) >= 0;
  return {
    ...told,
    value: `${values} ${figure.unit}${of === 'ratio' ? ` = ${toText(value)}x` : ''}`,
    floor: floors.length > 0 ? `${spread(floors)} ${figure.unit}`.trim() : null,
    isReached,
    hint: isReached ? null : goal.hint,
  };
}
