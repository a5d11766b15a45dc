/** The scripted engine called as a server calls it, without a server: the floor that is subtracted. */
import { Agent, request as httpRequest } from 'node:http';
import type { Item } from '@longwire/protocol';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';

/** A client of the engine process. Bodies are made before the clock runs. */
export class DirectEngine implements Disposable {
  readonly #url: string;
  readonly #rollout: Rollout;
  readonly #wire: 'session' | 'text';
  readonly #agent = new Agent({ keepAlive: true });
  readonly #messages: string[] = [];

  constructor(url: string, rollout: Rollout, wire: 'session' | 'text') {
    this.#url = url;
    this.#rollout = rollout;
    this.#wire = wire;
  }

  /** Asks for turn `turn`; turns go in order. Milliseconds until the last byte. */
  async turn(turn: number): Promise<number> {
    const body = this.#wire === 'session' ? this.#toSession(turn) : this.#toText(turn);
    const path = this.#wire === 'session' ? '/v1/session' : '/v1/chat/completions';
    const startMs = performance.now();
    await this.#post(path, body);
    return performance.now() - startMs;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #toSession(turn: number): Buffer {
    const input = this.#rollout.turns[turn]?.input;
    return Buffer.from(JSON.stringify({ model: this.#rollout.name, turn, input }));
  }

  #toText(turn: number): Buffer {
    const items = [...(this.#rollout.turns[turn - 1]?.output ?? []), ...(this.#rollout.turns[turn]?.input ?? [])];
    this.#messages.push(...items.map((item) => JSON.stringify(toMessage(item))));
    return Buffer.from(`{"model":"${this.#rollout.name}","stream":true,"messages":[${this.#messages.join(',')}]}`);
  }

  #post(path: string, body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      const request = httpRequest(this.#url + path, { method: 'POST', agent: this.#agent, headers }, (reply) => {
        if (reply.statusCode !== 200) reject(new Error(`The engine answered ${reply.statusCode}.`));
        reply.resume().once('end', resolve);
      });
      request.once('error', reject);
      request.end(body);
    });
  }
}

/** An item on the chat wire, near enough in bytes: the engine only counts who has spoken. */
function toMessage(item: Item): object {
  switch (item.type) {
    case 'function_call':
      return {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: item.call_id, function: { arguments: item.arguments } }],
      };
    case 'function_call_output':
      return { role: 'tool', tool_call_id: item.call_id, content: item.output };
    case 'message':
      return { role: item.role, content: item.content };
    default:
      return { role: 'user', content: '' };
  }
}
