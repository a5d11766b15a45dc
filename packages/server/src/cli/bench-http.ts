/** Turns as POST requests: the full history each time, or only the new items of a stored chain. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import type { Item } from '@longwire/protocol';
import { isDelta, parseTerminal, toOutput, toReplay } from './bench-answer.ts';
import type { BenchMode, BenchTarget, Conversation, Driver, TurnTimes } from './bench-driver.ts';

type HttpMode = Extract<BenchMode, `http-${string}`>;

/** Opens no connection yet. */
export function createHttpDriver(mode: HttpMode, target: BenchTarget, conversation: Conversation): Driver {
  return new HttpDriver(mode, target, conversation);
}

class HttpDriver implements Driver {
  readonly deflated = false;
  readonly #mode: HttpMode;
  readonly #target: BenchTarget;
  readonly #envelope: Readonly<Record<string, unknown>>;
  readonly #agent: Agent;
  readonly #history: Item[] = [];
  #parentId: string | undefined;

  constructor(mode: HttpMode, target: BenchTarget, { model, instructions, tools }: Conversation) {
    this.#mode = mode;
    this.#target = target;
    const store = mode === 'http-previous';
    this.#envelope = {
      model,
      instructions,
      tools,
      store,
      stream: true,
      stream_options: { include_obfuscation: false },
    };
    const options = { keepAlive: mode !== 'http-new', maxSockets: 1, ca: target.certificate };
    this.#agent = target.url.startsWith('https:') ? new TlsAgent(options) : new Agent(options);
  }

  async turn(input: readonly Item[]): Promise<TurnTimes> {
    const isFull = this.#mode !== 'http-previous';
    if (isFull) this.#history.push(...input);
    const body = Buffer.from(
      JSON.stringify(
        isFull
          ? { ...this.#envelope, input: this.#history }
          : { ...this.#envelope, previous_response_id: this.#parentId, input },
      ),
    );
    const times = await this.#post(body);
    this.#parentId = times.responseId;
    if (isFull) this.#history.push(...(toReplay(times.output) as Item[]));
    return times;
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(body: Buffer): Promise<TurnTimes> {
    const send = this.#target.url.startsWith('https:') ? httpsRequest : httpRequest;
    const key = this.#target.apiKey;
    return new Promise((resolve, reject) => {
      const startMs = performance.now();
      const request = send(`${this.#target.url}/responses`, {
        method: 'POST',
        agent: this.#agent,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          ...(key ? { authorization: `Bearer ${key}` } : {}),
          ...this.#target.headers,
        },
      });
      request.once('error', reject);
      request.once('response', (reply) => {
        readEvents(reply, startMs).then((read) => resolve({ ...read, bytesUp: body.length }), reject);
      });
      request.end(body);
    });
  }
}

async function readEvents(reply: IncomingMessage, startMs: number): Promise<Omit<TurnTimes, 'bytesUp'>> {
  let firstMs: number | null = null;
  let bytesDown = 0;
  const chunks: Buffer[] = [];
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    bytesDown += chunk.length;
    if (firstMs === null && hasDelta(chunk)) firstMs = performance.now() - startMs;
    chunks.push(chunk);
  }
  const totalMs = performance.now() - startMs;
  const text = Buffer.concat(chunks).toString();
  if (reply.statusCode !== 200) throw new Error(`The server answered ${reply.statusCode}: ${text.slice(0, 400)}`);
  const events = text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [line.slice('data: '.length)] : []));
  const response = parseTerminal(events.at(-1) ?? '')?.response;
  if (!response) throw new Error('The stream ended without the end of the response.');
  return {
    firstMs: firstMs ?? totalMs,
    totalMs,
    events: events.length,
    bytesDown,
    responseId: response.id,
    output: toOutput(response, events),
  };
}

function hasDelta(chunk: Buffer): boolean {
  const at = chunk.indexOf('.delta"');
  return at >= 0 && isDelta(chunk.toString('latin1', Math.max(0, at - 60), at + 10));
}
