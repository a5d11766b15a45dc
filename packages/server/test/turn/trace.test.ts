/** A trace goes through: from the client to the engine behind HTTP, and into the log. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createAISDKEngine } from '../../src/engine/ai-sdk/ai-sdk.ts';
import { createLlamaServerEngine } from '../../src/engine/llama-server/llama-server.ts';
import { createOpenAIChatEngine } from '../../src/engine/openai-chat/openai-chat.ts';
import { createOpenAIResponsesEngine } from '../../src/engine/openai-responses/openai-responses.ts';
import { createSglangEngine } from '../../src/engine/sglang/sglang.ts';
import { toFacts } from '../../src/engine/token-server/tokenizer.ts';
import { createVllmEngine } from '../../src/engine/vllm/vllm.ts';
import { startServer } from '../../src/server.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { installProvider } from '../engine/ai-sdk/provider-folder.ts';
import { startFakeServer } from '../engine/llama-server/fake-server.ts';
import { startChatServer } from '../engine/openai-chat/chat-server.ts';
import { startResponsesServer } from '../engine/openai-responses/responses-server.ts';
import { createSglangDialect } from '../engine/sglang/dialect.ts';
import { tokenizerConfig } from '../engine/token-server/characters.ts';
import { startFakePrefixServer } from '../engine/token-server/fake-prefix-server.ts';
import { vllmDialect } from '../engine/vllm/dialect.ts';
import { startTestServer, TestSocket } from '../harness.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const metadata = { ws_request_header_traceparent: traceparent, ws_request_header_tracestate: 'vendor=1' };

/** Passes requests on to another server, and keeps what trace each of them told on which path. */
async function startRelay(target: string) {
  const told: [path: string, traceparent: unknown, tracestate: unknown][] = [];
  const server = http.createServer((request, response) => {
    const { url = '', method, headers } = request;
    told.push([url, headers['traceparent'], headers['tracestate']]);
    const onward = http.request(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    told,
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const named = { name: 'upstream', models: ['test-model'] };

/** An upstream of each kind that is reached by HTTP: where it is asked for an answer, how it is started, and its engine. */
const kinds = [
  {
    path: '/v1/chat/completions',
    start: async () => {
      const server = await startChatServer();
      return { baseUrl: server.baseUrl, [Symbol.asyncDispose]: () => server.close() };
    },
    open: (origin: string) => createOpenAIChatEngine({ ...named, baseUrl: `${origin}/v1` }) as Engine,
  },
  {
    path: '/v1/responses',
    start: startResponsesServer,
    open: (origin: string) =>
      createOpenAIResponsesEngine({ ...named, baseUrl: `${origin}/v1`, transport: 'sse' }) as Engine,
  },
  {
    path: '/completion',
    start: () => startFakeServer(),
    open: (origin: string) => createLlamaServerEngine({ ...named, baseUrl: origin }) as Engine,
  },
  {
    path: '/v1/completions',
    start: () => startFakePrefixServer(vllmDialect),
    open: (origin: string) => createVllmEngine({ ...named, baseUrl: origin }) as Engine,
  },
  {
    path: '/generate',
    start: () => startFakePrefixServer(createSglangDialect()),
    open: (origin: string) =>
      createSglangEngine({ ...named, baseUrl: origin, tokenizer: toFacts(tokenizerConfig) }) as Engine,
  },
];

describe('a trace', () => {
  it.each(kinds)('goes on with the request to $path, and with no request but that', async ({ path, start, open }) => {
    await using upstream = await start();
    await using relay = await startRelay(new URL(upstream.baseUrl).origin);
    await using server = await startTestServer({ engines: [open(relay.baseUrl)] });
    using socket = await TestSocket.open(server.url);
    const answered = () => relay.told.filter(([url]) => url === path).map(([, ...trace]) => trace);
    socket.create({ client_metadata: metadata });
    expect((await socket.response()).status).toBe('completed');
    expect(answered()).toEqual([[traceparent, 'vendor=1']]);
    socket.create({});
    await socket.response();
    expect(answered()).toEqual([
      [traceparent, 'vendor=1'],
      [undefined, undefined],
    ]);
    const others = relay.told.filter(([url]) => url !== path);
    expect(others.filter(([, ...trace]) => trace.some((each) => each !== undefined))).toEqual([]);
  });

  it('goes on to providers', async () => {
    await using folder = await installProvider();
    const engine = await createAISDKEngine({
      engineName: 'provider',
      name: 'fake-provider',
      settings: {},
      folder: folder.path,
      models: ['test-model'],
    });
    await using server = await startTestServer({ engines: [engine as Engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ client_metadata: metadata });
    await socket.response();
    socket.create({});
    await socket.response();
    expect(folder.calls.map(({ headers }) => headers)).toEqual([{ traceparent, tracestate: 'vendor=1' }, undefined]);
  });

  it.each([[{}], [{ stream: true }], [{ background: true }], [{ client_metadata: { ...metadata, x: '1' } }]])(
    'comes with the headers of an HTTP request: %j',
    async (fields) => {
      const { engine, calls } = createEchoEngine();
      await using server = await startTestServer({ engines: [engine] });
      const own = traceparent.replace('4bf9', 'aaaa');
      const answer = await fetch(`${server.url}/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', traceparent: own },
        body: JSON.stringify({ model: 'test-model', input: 'Hi.', ...fields }),
      });
      await answer.text();
      const traces = () => calls.flatMap((call) => (call.kind === 'generate' ? [call.request.trace] : []));
      while (traces().length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(traces()).toEqual([{ traceparent: own, tracestate: null }]);
    },
  );

  it('names the turn in the log, and its failure', async () => {
    let fails = false;
    const { engine } = createEchoEngine({
      answer: () => {
        if (fails) throw new Error('Broken.');
        return [{ type: 'text.delta', delta: 'Hello.' }];
      },
    });
    const lines: Record<string, unknown>[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
    const log = pino({ level: 'debug' }, { write });
    const config = loadConfig(['--port', '0', '--scripted', 'unused'], {}, () => '');
    const server = await startServer(config, log, { engines: [engine], store: null });
    try {
      using socket = await TestSocket.open(server.url);
      socket.create({ client_metadata: metadata });
      await socket.response();
      fails = true;
      socket.create({ client_metadata: metadata });
      await socket.response();
    } finally {
      await server.close();
    }
    const traced = lines.filter((line) => line['traceId'] === traceId).map(({ msg }) => msg);
    expect(traced).toEqual(['turn', 'failed', 'turn']);
  });
});
