/**
 * `node acceptance/llama-server.ts [PATH]`: Longwire in front of a real llama-server that runs the demo model, by token ids, over a real
 * socket. No part of CI: without a PATH it installs Debian's build once (13 MB, needs apt) into an ignored folder.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CustomTool, FunctionTool, Response } from '@longwire/protocol';
import { WebSocket } from 'ws';
import { check, renderChecks } from './checks.ts';
import type { Check } from './checks.ts';
import { startLongwire } from './longwire.ts';
import type { Longwire } from './longwire.ts';
import { Program } from './program.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const startTimeoutMs = 60_000;
const weather: FunctionTool = {
  type: 'function',
  name: 'get_weather',
  description: 'Get the current weather for a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: true,
};

const paint: CustomTool = {
  type: 'custom',
  name: 'paint',
  description: 'Takes a text.',
  format: { type: 'grammar', syntax: 'lark', definition: 'start: ("red" | "blue") " \\"" /[0-9]{3}/ "\\"\\n"' },
};

async function run(): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const folder = mkdtempSync(join(tmpdir(), 'longwire-llama-server-'));
  try {
    const port = await freePort();
    await using upstream = await startLlamaServer(process.argv[2] ?? install(), port, folder, interrupted.signal);
    const address = `llama-server+http://127.0.0.1:${port}`;
    await using server = await startLongwire({ folder, signal: interrupted.signal, upstream: address });
    const checks = [...(await play(server)), check('llama-server still runs', upstream.isRunning(), '')];
    console.log(renderChecks('Longwire in front of llama-server, by token ids', checks));
    return checks.every(({ holds }) => holds) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A conversation of several turns, a fork, a tool call, a steer. */
async function play(server: Longwire): Promise<Check[]> {
  const socket = await Socket.open(server);
  const first = await socket.turn({ input: 'My name is Ada.' });
  const second = await socket.turn({ input: 'What is my name?', previous_response_id: first.id });
  const fork = await socket.turn({ input: 'What is the capital of Japan?', previous_response_id: first.id });
  const back = await socket.turn({ input: 'What is the capital of Peru?', previous_response_id: second.id });

  const tools = [weather];
  const asked = await socket.turn({ input: 'What is the weather in Oslo?', tools });
  const call = asked.output.find((item) => item.type === 'function_call');
  const answer = { type: 'function_call_output', call_id: call?.call_id, output: '{"temperature": 7}' };
  const told = await socket.turn({ input: [answer], previous_response_id: asked.id, tools });

  const { steered, successor } = await socket.steeredTurn(
    'Tell me a story about a fox named Rusty.',
    'Stop, tell me the capital of Norway instead.',
  );
  const format = {
    type: 'json_schema',
    name: 'n',
    strict: true,
    schema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'], additionalProperties: false },
  };
  const json = await socket.turn({ input: 'Give me JSON.', text: { format } });
  const either = await socket.turn({ input: 'Hello!', text: { format }, tools });
  const callInstead = await socket.turn({ input: 'What is the weather in Rome?', text: { format }, tools });
  const painting = { tools: [paint], tool_choice: { type: 'custom', name: 'paint' }, parallel_tool_calls: false };
  const painted = await socket.turn({ input: 'Paint it.', ...painting });
  const stroke = painted.output.find((item) => item.type === 'custom_tool_call');
  const done = { type: 'custom_tool_call_output', call_id: stroke?.call_id, output: 'Done.' };
  const behind = await socket.turn({ input: [done], previous_response_id: painted.id, ...painting });
  const logprobs = await socket.turn({ input: 'Hello!', include: ['message.output_text.logprobs'], top_logprobs: 2 });
  socket.close();

  return [
    check('it remembers', textOf(second).includes('Ada'), textOf(second)),
    check(
      'a continued turn finds all that was there',
      cached(second) === total(first),
      `${cached(second)} of ${total(first)}`,
    ),
    check('a fork answers', textOf(fork).includes('Tokyo'), textOf(fork)),
    check('the other branch is warm', cached(back) === total(second), `${cached(back)} of ${total(second)}`),
    check('a tool is called', call?.arguments === '{"city": "Oslo"}', call?.arguments ?? 'no call'),
    check('its result is told', textOf(told).includes('7'), textOf(told)),
    check('the turn behind a call is warm', cached(told) === total(asked), `${cached(told)} of ${total(asked)}`),
    check('a steer ends the turn with its counts', (steered.usage?.output_tokens ?? 0) > 0, steered.usage),
    check(
      'and its successor goes on from there',
      cached(successor) > (steered.usage?.input_tokens ?? 0),
      successor.usage,
    ),
    check('a schema holds the answer', isJsonWithA(textOf(json)), textOf(json)),
    check('a schema holds the answer where a tool may be called', isJsonWithA(textOf(either)), textOf(either)),
    check(
      'and leaves the call free',
      callInstead.output.some((item) => item.type === 'function_call'),
      callInstead.output,
    ),
    check(
      'a grammar holds the input of a custom tool',
      /^(red|blue) "[0-9]{3}"\n$/.test(stroke?.input ?? ''),
      stroke?.input ?? painted.output,
    ),
    check(
      'and the turn behind it is warm',
      cached(behind) === total(painted),
      `${cached(behind)} of ${total(painted)}`,
    ),
    check('log probabilities come', JSON.stringify(logprobs.output).includes('"logprob":'), ''),
    check('nothing was complained about', server.newComplaints().length === 0, server.newComplaints()),
  ];
}

/** A socket that takes one turn after the other. */
class Socket {
  readonly #socket: WebSocket;
  readonly #model: string;
  readonly #events: { type: string; response?: Response }[] = [];
  #wake: () => void = () => {};

  private constructor(socket: WebSocket, model: string) {
    this.#socket = socket;
    this.#model = model;
    socket.on('message', (data: Buffer) => {
      this.#events.push(JSON.parse(data.toString()) as { type: string; response?: Response });
      this.#wake();
    });
    socket.on('close', () => {
      this.#events.push({ type: 'error' });
      this.#wake();
    });
  }

  static async open({ baseUrl, model, env }: Longwire): Promise<Socket> {
    const headers = { authorization: `Bearer ${Object.values(env)[0]}` };
    const socket = new WebSocket(`${baseUrl.replace(/^http/, 'ws')}/responses`, { headers });
    await once(socket, 'open');
    return new Socket(socket, model);
  }

  close(): void {
    this.#socket.close();
  }

  async turn(fields: Record<string, unknown>): Promise<Response> {
    this.#create(fields);
    return this.#until('response.completed');
  }

  /** A turn that is steered at its first word, and the one that takes the steer. */
  async steeredTurn(input: string, steer: string): Promise<{ steered: Response; successor: Response }> {
    this.#create({ input });
    const { id } = await this.#until('response.created');
    await this.#until('response.output_text.delta');
    this.#socket.send(JSON.stringify({ type: 'response.steer', previous_response_id: id, input: steer }));
    const steered = await this.#until('response.incomplete', 'response.completed');
    if (steered.status !== 'incomplete') throw new Error('The model had said all before the steer came: try again.');
    return { steered, successor: await this.#until('response.completed') };
  }

  #create(fields: Record<string, unknown>): void {
    const request = { type: 'response.create', model: this.#model, temperature: 0, ...fields };
    this.#socket.send(JSON.stringify(request));
  }

  async #until(...types: string[]): Promise<Response> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined && types.includes(event.type)) return event.response ?? ({} as Response);
      if (event?.type === 'error' || event?.type === 'response.failed')
        throw new Error(`Waiting for ${types.join(' or ')}, but got ${JSON.stringify(event)}`);
      if (event === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function textOf(response: Response): string {
  const parts = response.output.flatMap((item) => (item.type === 'message' ? item.content : []));
  return parts.map((part) => (part.type === 'output_text' ? part.text : '')).join('');
}

function cached(response: Response): number {
  return response.usage?.input_tokens_details.cached_tokens ?? -1;
}

function total(response: Response): number {
  return response.usage?.total_tokens ?? 0;
}

function isJsonWithA(text: string): boolean {
  try {
    return Number.isInteger((JSON.parse(text) as { a?: unknown }).a);
  } catch {
    return false;
  }
}

function install(): string {
  const folder = here('../.acceptance/llama-server');
  const binary = join(folder, 'llama-server');
  if (!existsSync(binary)) execFileSync('sh', [here('get-llama-server.sh'), folder], { stdio: 'inherit' });
  return binary;
}

async function startLlamaServer(
  command: string,
  port: number,
  folder: string,
  signal: AbortSignal,
): Promise<{ isRunning(): boolean } & AsyncDisposable> {
  const model = here('../models/tiny-demo/tiny-demo.gguf');
  const args = [
    '-m',
    model,
    '--port',
    String(port),
    '-c',
    '8192',
    '-np',
    '4',
    '-t',
    '1',
    '--slot-save-path',
    `${folder}/`,
  ];
  const program = new Program({ command, args, folder, env: { PATH: process.env['PATH'] }, signal });
  const lines = (): string[] => [...program.out, ...program.err];
  const listening = await program.until(() => lines().find((line) => line.includes('listening')), startTimeoutMs);
  if (listening === null) {
    await program[Symbol.asyncDispose]();
    throw new Error(`llama-server did not start:\n${lines().slice(-20).join('\n')}`);
  }
  return {
    isRunning: () => !lines().some((line) => line.includes('cleaning up')),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

process.exitCode = await run();
