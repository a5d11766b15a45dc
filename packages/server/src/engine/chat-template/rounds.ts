/**
 * Templates that write earlier turns otherwise than the current one: reasoning of old turns is dropped (Qwen3, gpt-oss), tools move in
 * front of the newest question (Mistral). Their conversations are written by rounds.
 *
 * A round begins with a question and goes on over calls and results. While it is the last one it only grows, a unit of new messages
 * at a time; once the next one begins it is written once more, in the form that it keeps from then on. What stays behind is text
 * that nothing changes any more, so a turn renders its own messages and the unit before, and every round is rendered twice.
 *
 * Whether a template is like that, and where its rounds end, is tried when the model is loaded, against whole renderings.
 */
import type { ChatMessage } from './messages.ts';
import { concatenationProbes, roundProbes, type Probe } from './probes.ts';
import { plainVariables, type Renderer, type TemplateTraits, type TemplateVariables } from './rendering.ts';

/** How a template's rounds are to be told apart and written. */
export interface RoundRule {
  /** Which user message ends the round before it: none, every one, or the first behind an answer that calls nothing. */
  readonly endsAt: 'never' | 'user' | 'answer';
  /** Whether instructions and tools stand in the last round, and not in front of everything. */
  readonly isBound: boolean;
}

/** What stands in front of the messages, or is written among them. */
export interface RoundFront {
  /** The system prompt; empty for none. */
  readonly system: string;
  readonly variables: TemplateVariables;
}

/** The messages of a round so far, newest list first. */
interface MessageList {
  readonly messages: readonly ChatMessage[];
  readonly previous: MessageList | null;
}

/** A conversation up to a point, as far as what follows needs to know it. */
export interface RoundPoint {
  /** Messages that the unit stands behind when it is rendered: stand-ins, and the last one before it. */
  readonly window: readonly ChatMessage[];
  /** The newest messages, which the next ones may still change. */
  readonly unit: readonly ChatMessage[];
  /** Whether the unit begins its round. */
  readonly isStart: boolean;
  readonly round: MessageList;
}

/** What new messages add. */
export interface RoundStep {
  /** Rounds that have ended, each in its last form: in place of all that was written of the current round before. */
  readonly ended: readonly string[];
  /** The unit's text as long as nothing follows. */
  readonly text: string;
  /** Whether it stands in place of the unit before, which reads otherwise now. */
  readonly isRewritten: boolean;
  /** What the template writes in front of an answer here; null where it would change what stands before. */
  readonly opening: string | null;
  readonly point: RoundPoint;
}

const rules: readonly RoundRule[] = [false, true].flatMap((isBound) =>
  (['never', 'user', 'answer'] as const).map((endsAt) => ({ endsAt, isBound })),
);

const stubUser: ChatMessage = { role: 'user', content: 'u' };
const stubAnswer: ChatMessage = { role: 'assistant', content: 'a' };
const stubCall: ChatMessage = {
  role: 'assistant',
  content: '',
  tool_calls: [{ id: 'call00000', type: 'function', function: { name: 'f', arguments: '{}' } }],
};

/** A template written by rounds. Find one with {@link findRounds}. Texts are guarded (tokenizer.ts). */
export class RoundTemplate {
  readonly rule: RoundRule;
  readonly #renderer: Renderer;
  readonly #traits: TemplateTraits;
  /** The shortest conversation that a round may follow. */
  readonly #stub: readonly ChatMessage[];

  constructor(renderer: Renderer, traits: TemplateTraits, rule: RoundRule, stub: readonly ChatMessage[]) {
    this.#renderer = renderer;
    this.#traits = traits;
    this.rule = rule;
    this.#stub = stub;
  }

  /** What stands in front of the first round, `lead` messages included; null where it cannot be told from what follows. */
  front({ system, variables }: RoundFront, lead: readonly ChatMessage[]): string | null {
    const plain = { ...plainVariables, thinking: variables.thinking };
    const question = suffix(this.#render(this.#stub, plain), this.#render([...this.#stub, stubUser], plain));
    if (this.rule.isBound && lead.length > 0) return null;
    const text = this.rule.isBound
      ? this.#render([stubUser], plain)
      : this.#render([...toSystem(system), ...lead, stubUser], variables);
    return text.endsWith(question) ? text.slice(0, text.length - question.length) : null;
  }

  /**
   * Goes on by `messages`, at least one and the last of them not an answer; `point` is null at the beginning of a conversation. Null
   * where only a whole rendering is right. O(messages and the unit before), and O(round) where one ends.
   */
  step(point: RoundPoint | null, messages: readonly ChatMessage[], front: RoundFront): RoundStep | null {
    const [first] = messages;
    if (first === undefined || (point === null && !this.#isQuestion(first))) return null;
    try {
      return this.#step(point, messages, front);
    } catch {
      return null;
    }
  }

  #step(point: RoundPoint | null, messages: readonly ChatMessage[], front: RoundFront): RoundStep {
    const plain = { ...plainVariables, thinking: front.variables.thinking };
    const ended: string[] = [];
    let current = point;
    let from = 0;
    for (const [index, message] of messages.entries()) {
      const previous = index > from ? messages[index - 1] : current?.unit.at(-1);
      if (previous === undefined || !this.#endsRound(message, previous)) continue;
      const round = [...listed(current?.round ?? null), ...messages.slice(from, index)];
      ended.push(this.#past(round, message, plain));
      current = null;
      from = index;
    }
    const rest = messages.slice(from);
    const unit = current === null ? { window: this.#stub, unit: [], isStart: true } : current;
    const render = (all: readonly ChatMessage[], forAnswer = false): string =>
      unit.isStart && this.rule.isBound
        ? this.#render([...toSystem(front.system), ...all], front.variables, forAnswer)
        : this.#render(all, plain, forAnswer);
    const known = [...unit.window, ...unit.unit];
    const before = unit.unit.length === 0 ? this.#render(unit.window, plain) : render(known);
    const whole = render([...known, ...rest]);
    const asked = render([...known, ...rest], true);
    const round = { messages: rest, previous: current?.round ?? null };
    const opening = asked.startsWith(whole) ? asked.slice(whole.length) : null;
    if (current === null || !whole.startsWith(before)) {
      const text = suffix(this.#render(unit.window, plain), whole);
      const isRewritten = current !== null;
      return { ended, text, isRewritten, opening, point: { ...unit, unit: [...unit.unit, ...rest], round } };
    }
    const text = whole.slice(before.length);
    const window = windowOf(current.unit.at(-1) ?? stubUser);
    return { ended, text, isRewritten: false, opening, point: { window, unit: rest, isStart: false, round } };
  }

  /** A round as it reads once another has begun. Throws where that depends on what the other begins with. */
  #past(round: readonly ChatMessage[], next: ChatMessage, plain: TemplateVariables): string {
    const before = this.#render(this.#stub, plain);
    const followedBy = (question: ChatMessage): string => {
      const end = suffix(before, this.#render([...this.#stub, question], plain));
      const text = suffix(before, this.#render([...this.#stub, ...round, question], plain));
      if (!text.endsWith(end)) throw new Error('The round and the next one cannot be told apart.');
      return text.slice(0, text.length - end.length);
    };
    const text = followedBy(next);
    if (text !== followedBy(stubUser)) throw new Error('The round reads otherwise behind other questions.');
    return text;
  }

  #endsRound(message: ChatMessage, previous: ChatMessage): boolean {
    if (this.rule.endsAt === 'never' || !this.#isQuestion(message)) return false;
    return this.rule.endsAt === 'user' || (previous.role === 'assistant' && previous.tool_calls === undefined);
  }

  /** System messages that the template does not take are asked by the user. */
  #isQuestion({ role }: ChatMessage): boolean {
    return role === 'user' || (role === 'system' && !this.#traits.laterSystem);
  }

  #render(messages: readonly ChatMessage[], variables: TemplateVariables, forAnswer = false): string {
    return this.#renderer.render(messages, variables, this.#traits, forAnswer);
  }
}

/** The first rule under which a template's rounds give, in front of each answer, the text of the whole; null where there is none. */
export function findRounds(renderer: Renderer, traits: TemplateTraits): RoundTemplate | null {
  const stub = [[stubUser, stubAnswer], [stubUser]].find((messages) => isFollowed(renderer, traits, messages));
  if (stub === undefined) return null;
  const probes = [...concatenationProbes(traits), ...roundProbes(traits)];
  const templates = rules.map((rule) => new RoundTemplate(renderer, traits, rule, stub));
  return templates.find((template) => probes.every((probe) => holds(template, renderer, traits, probe))) ?? null;
}

/** Whether these messages read the same when a question follows. */
function isFollowed(renderer: Renderer, traits: TemplateTraits, messages: readonly ChatMessage[]): boolean {
  try {
    const text = renderer.render(messages, plainVariables, traits);
    return renderer.render([...messages, stubUser], plainVariables, traits).startsWith(text);
  } catch {
    return false;
  }
}

/** Compares with whole renderings, wherever a turn may begin. */
function holds(template: RoundTemplate, renderer: Renderer, traits: TemplateTraits, probe: Probe): boolean {
  const { system, variables } = probe;
  const before = template.front(probe, []);
  if (before === null) return false;
  const messages: ChatMessage[] = toSystem(system);
  const [settled, round]: [string[], string[]] = [[before], []];
  let point: RoundPoint | null = null;
  for (const unit of toUnits(probe.pieces)) {
    messages.push(...unit);
    let whole: string;
    try {
      whole = renderer.render(messages, variables, traits, true);
    } catch {
      // A conversation that the template refuses: what would follow is never asked for.
      return true;
    }
    const step = template.step(point, unit, probe);
    if (step === null) return false;
    if (step.ended.length > 0) round.length = 0;
    else if (step.isRewritten) round.pop();
    settled.push(...step.ended);
    round.push(step.text);
    if ([...settled, ...round, step.opening].join('') !== whole) return false;
    point = step.point;
  }
  return true;
}

/** Pieces of a conversation, each answer with what comes behind it. */
function toUnits(pieces: Probe['pieces']): ChatMessage[][] {
  const units: ChatMessage[][] = [];
  let unit: ChatMessage[] = [];
  for (const piece of pieces) {
    unit.push(...piece);
    if (piece.at(-1)?.role === 'assistant') continue;
    units.push(unit);
    unit = [];
  }
  return units;
}

/** What a unit behind this message is rendered behind. */
function windowOf(message: ChatMessage): readonly ChatMessage[] {
  switch (message.role) {
    case 'user':
      return [message];
    case 'tool':
      return [stubUser, stubCall, message];
    default:
      return [stubUser, message];
  }
}

function listed(list: MessageList | null): readonly ChatMessage[] {
  const lists: (readonly ChatMessage[])[] = [];
  for (let at = list; at; at = at.previous) lists.push(at.messages);
  return lists.toReversed().flat();
}

function toSystem(system: string): ChatMessage[] {
  return system === '' ? [] : [{ role: 'system', content: system }];
}

function suffix(start: string, text: string): string {
  if (!text.startsWith(start)) throw new Error('The chat template cannot be rendered by rounds.');
  return text.slice(start.length);
}
