/** What the fuzzer sends: from noise to frames of real clients with one thing wrong. */
import { readCaptures, readExchanges } from '../packages/protocol/test/frames.ts';
import { mutate, scramble, type Json } from './mutation.ts';
import type { Random } from './random.ts';

/** One message: text, or bytes for a binary frame. */
export type Input = string | Buffer;

/** The one model of the server under fire. */
export const modelName = 'fuzz-model';

/** Lanes that inputs share; others are made up, until the connection has no names left. */
const lanes = ['a', 'b', 'c', 'd.e', 'f_g', 'h-1'];

const tool = {
  type: 'function',
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] },
  strict: true,
};

/** Shapes that no capture has. */
const shapes: readonly { [name: string]: Json }[] = [
  { input: 'Hello.' },
  { input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hello.' }] }], instructions: 'Be kind.' },
  {
    input: [
      { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: [{ type: 'input_text', text: 'Nothing.' }] },
      { role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' }] },
    ],
    tools: [tool, { type: 'custom', name: 'patch', format: { type: 'text' } }],
    tool_choice: { type: 'function', name: 'look' },
    parallel_tool_calls: false,
  },
  {
    input: [
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'So.' }], encrypted_content: 'gAAA' },
      {
        type: 'message',
        role: 'assistant',
        id: 'msg_1',
        content: [{ type: 'output_text', text: 'x', annotations: [] }],
      },
      { type: 'custom_tool_call', call_id: 'call_2', name: 'patch', input: '***' },
      { type: 'custom_tool_call_output', call_id: 'call_2', output: 'ok' },
      { type: 'item_reference', id: 'msg_1' },
      { type: 'slug:novelty', anything: [1, 2, 3] },
    ],
    reasoning: { effort: 'low', summary: 'auto' },
    text: { format: { type: 'json_schema', name: 's', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
    include: ['reasoning.encrypted_content'],
    temperature: 0.5,
    top_p: 0.9,
    max_output_tokens: 100,
    metadata: { a: 'b' },
    stream_options: { include_obfuscation: false },
    prompt_cache_key: 'k',
    service_tier: 'auto',
    truncation: 'auto',
    user: 'u',
    client_metadata: { turn: 1 },
  },
  { input: [], generate: false, prompt_cache_options: { prewarm: true, ttl: '30m' } },
];

/** Makes inputs. `ids` are ids of responses that the server has sent. */
export class Inputs {
  readonly #random: Random;
  readonly #ids: readonly string[];
  readonly #corpus: readonly { [name: string]: Json }[];
  readonly #received: readonly Json[];

  constructor(random: Random, ids: readonly string[]) {
    this.#random = random;
    this.#ids = ids;
    const captures = readCaptures();
    const exchanges = readExchanges();
    const sent = [...captures.flatMap((capture) => capture.sent), ...exchanges.map((exchange) => exchange.sent)];
    this.#corpus = sent as { [name: string]: Json }[];
    this.#received = [...captures, ...exchanges].flatMap(({ received }) => received) as Json[];
  }

  next(): Input {
    const random = this.#random;
    switch (random.below(20)) {
      case 0:
        return random.bytes(random.below(200));
      case 1:
        return random.text(random.below(200));
      case 2:
        return mutate(this.#tree(4), random, 2);
      case 3:
        return scramble(JSON.stringify(this.#create()), random);
      case 4:
        return mutate(random.pick(this.#received), random, 1);
      case 5:
      case 6:
        return mutate(this.#other(), random, random.below(3));
      case 7:
      case 8:
        return JSON.stringify(this.#create());
      default:
        return mutate(this.#create(), random, 1 + random.below(3));
    }
  }

  /** The body of an HTTP request. */
  nextBody(): string {
    const random = this.#random;
    const { stream_id: _, type: __, ...body } = this.#create();
    return random.once(5)
      ? scramble(JSON.stringify(body), random)
      : mutate({ ...body, stream: random.once(2) }, random, random.below(4));
  }

  #id(): string {
    const random = this.#random;
    return this.#ids.length > 0 && !random.once(4) ? random.pick(this.#ids) : `resp_${random.text(4)}`;
  }

  #create(): { [name: string]: Json } {
    const random = this.#random;
    const lane = random.once(200) ? `lane-${random.below(1000)}` : random.pick(lanes);
    return {
      // Real requests are long: most inputs are short, so that there can be many.
      ...random.pick(random.once(12) ? this.#corpus : shapes),
      type: 'response.create',
      model: random.once(40) ? random.text(8) : modelName,
      store: random.once(3),
      ...(random.once(3) ? {} : { stream_id: lane }),
      previous_response_id: random.once(3) ? this.#id() : null,
    };
  }

  #other(): Json {
    switch (this.#random.below(5)) {
      case 0:
      case 1:
        return { type: 'response.steer', previous_response_id: this.#id(), input: 'Shorter.' };
      case 2:
        return { type: 'response.cancel', response_id: this.#id() };
      case 3:
        return { type: 'response.inject', response_id: this.#id(), input: [] };
      default:
        return { type: 'response.processed', response_id: this.#id() };
    }
  }

  #tree(levels: number): Json {
    const random = this.#random;
    switch (random.below(levels === 0 ? 4 : 6)) {
      case 0:
        return random.below(1000) - 500;
      case 1:
        return random.text(random.below(10));
      case 2:
        return random.pick([true, false, null]);
      case 3:
        return random.pick(['response.create', 'message', 'user']);
      case 4:
        return Array.from({ length: random.below(5) }, () => this.#tree(levels - 1));
      default: {
        const names = ['type', 'input', 'role', 'content', '__proto__', 'model', random.text(3)];
        return Object.fromEntries(
          Array.from({ length: random.below(5) }, () => [random.pick(names), this.#tree(levels - 1)]),
        );
      }
    }
  }
}
