/**
 * The scripted engine as a process of its own: chat completions (`/v1/chat/completions`) and Responses (`/v1/responses`), where it gets the
 * whole text, and sessions (`/v1/session`: it gets what is new). Turn k gets the workload's k-th output. `PUT /pace` sets how it spends its
 * time, `GET /calls` tells what it got.
 *
 * Arguments: names of rollouts (coding-30, …), paths of workload files, `stream-N` for one answer of N tokens; `--pace JSON`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { announce } from '../servers/announce.ts';
import { loadWorkload } from '../workloads/load.ts';
import { chatWire, sessionWire, toAnswers, type Answer } from './answers.ts';
import { commonPrefix, instant, toDelayMs, type Pace } from './cost.ts';
import { play } from './play.ts';
import { responsesWire, toResponsesAnswers } from './responses-wire.ts';
import { countAssistantRuns, countOutputRuns } from './runs.ts';

/** What the engine got in one call. */
export interface EngineCall {
  readonly kind: 'text' | 'session' | 'responses';
  readonly receivedBytes: number;
  /** Leading bytes that the call of the turn before had too; 0 while the pace does not ask for it. */
  readonly matchedBytes: number;
}

const { values, positionals } = parseArgs({
  options: { pace: { type: 'string', default: '{}' } },
  allowPositionals: true,
});
const workloads = positionals.map(loadWorkload);
const books = new Map(
  workloads.map((workload) => [
    workload.name,
    {
      text: toAnswers(workload, chatWire),
      session: toAnswers(workload, sessionWire),
      responses: toResponsesAnswers(workload),
    },
  ]),
);
const wires = { text: chatWire, session: sessionWire, responses: responsesWire } as const;
const bodies = new Map<string, readonly Buffer[]>();
const maxChains = 4;
let calls: EngineCall[] = [];
let pace: Pace = { ...instant, ...(JSON.parse(values.pace) as Partial<Pace>) };

const server = createServer((request, reply) => {
  read(request)
    .then((body) => serve(request.url ?? '', body, reply))
    .catch((error: unknown) => reply.writeHead(500).end(String(error)));
});

async function serve(path: string, body: Buffer, reply: ServerResponse): Promise<void> {
  switch (path) {
    case '/v1/chat/completions':
      return answer('text', findModel(body), countAssistantRuns(body), body, reply);
    case '/v1/responses':
      return answer('responses', findModel(body), countOutputRuns(body), body, reply);
    case '/v1/session': {
      const { model, turn } = JSON.parse(body.toString()) as { model: string; turn: number };
      return answer('session', model, turn, body, reply);
    }
    case '/v1/models':
      return sendJson(reply, { data: workloads.map(({ name }) => ({ id: name, created: 1, owned_by: 'bench' })) });
    case '/pace':
      pace = { ...instant, ...(JSON.parse(body.toString()) as Partial<Pace>) };
      return sendJson(reply, pace);
    case '/calls': {
      const told = calls;
      calls = [];
      bodies.clear();
      return sendJson(reply, told);
    }
    default:
      reply.writeHead(404).end();
  }
}

async function answer(kind: EngineCall['kind'], model: string, turn: number, body: Buffer, reply: ServerResponse) {
  const answers: readonly Answer[] | undefined = books.get(model)?.[kind];
  const found = answers?.[turn % answers.length];
  if (!found) throw new Error(`There is no workload ${model}.`);
  const matchedBytes = pace.prefillPerSecond === 0 || kind === 'session' ? 0 : matchWithParent(model, turn, body);
  calls.push({ kind, receivedBytes: body.length, matchedBytes });
  const delayMs = toDelayMs(pace, body.length, matchedBytes);
  if (delayMs > 0) await sleep(delayMs);
  reply.writeHead(200, { 'content-type': kind === 'session' ? 'application/x-ndjson' : 'text/event-stream' });
  await play(found, wires[kind], pace, reply);
  reply.end();
}

/** Some servers write it behind the history; quotes inside of strings are escaped. */
function findModel(body: Buffer): string {
  const at = Math.max(0, body.indexOf('"model":"'));
  return /"model":"([^"]+)"/.exec(body.toString('latin1', at, at + 400))?.[1] ?? '';
}

/** Only the turn before counts: clients that replay the same rollout side by side must not warm each other's cache. */
function matchWithParent(model: string, turn: number, body: Buffer): number {
  // Requests that differ in their preamble are chains of their own; equal ones are kept once.
  const known = bodies.get(`${model} ${turn}`) ?? [];
  if (!known.some((each) => each.equals(body))) bodies.set(`${model} ${turn}`, [...known, body].slice(-maxChains));
  const parents = bodies.get(`${model} ${turn - 1}`) ?? [];
  return Math.max(0, ...parents.map((parent) => commonPrefix(parent, body)));
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
}

function sendJson(reply: ServerResponse, value: unknown): void {
  reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

announce(server);
