import { describe, expect, it } from 'vitest';
import { createRememberingEngine } from '../compaction/world.ts';
import { createEchoEngine, createHeldEngine } from '../echo-engine.ts';
import { callTurn, TestSocket, textTurn } from '../harness.ts';
import type { Exposition } from './exposition.ts';
import { scrape, series, startCountingServer } from './scrape.ts';

const chat = {
  gen_ai_operation_name: 'chat',
  gen_ai_provider_name: 'scripted:test-model',
  gen_ai_request_model: 'test-model',
};

function post(url: string, body: Record<string, unknown>): Promise<Response> {
  return fetch(`${url}/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'test-model', input: 'Hi.', ...body }),
  });
}

describe('metrics of turns', () => {
  it('are those of the turns that were played, to the last one', async () => {
    await using server = await startCountingServer();
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const first = await socket.response();
    socket.create({ previous_response_id: first.id });
    const second = await socket.response();
    socket.create({ generate: false, previous_response_id: second.id });
    const third = await socket.response();
    socket.create({ previous_response_id: 'resp_unknown' });
    await socket.error();
    socket.create({ stream_id: 'b', model: 'no-such-model' });
    await socket.error();

    const metrics = await scrape(server);
    expect(series(metrics, 'longwire_turns_total')).toEqual([
      'scripted:test-model test-model websocket completed 2',
      'scripted:test-model test-model websocket warmed 1',
    ]);
    expect(series(metrics, 'longwire_turn_histories_total')).toEqual([
      'scripted:test-model memory 2',
      'scripted:test-model none 1',
    ]);
    expect(series(metrics, 'longwire_refusals_total')).toEqual([
      'websocket model_not_found 1',
      'websocket previous_response_not_found 1',
    ]);
    const usages = [first, second].map(({ usage }) => usage);
    const sum = (read: (usage: NonNullable<(typeof usages)[number]>) => number) =>
      usages.reduce((total, usage) => total + (usage ? read(usage) : 0), 0);
    expect(metrics.value('gen_ai_client_token_usage_sum', { ...chat, gen_ai_token_type: 'input' })).toBe(
      sum(({ input_tokens }) => input_tokens),
    );
    expect(metrics.value('gen_ai_client_token_usage_sum', { ...chat, gen_ai_token_type: 'output' })).toBe(
      sum(({ output_tokens }) => output_tokens),
    );
    const all = metrics.samples.filter(({ name }) => name === 'longwire_tokens_total');
    expect(all.reduce((total, { value }) => total + value, 0)).toBe(sum(({ total_tokens }) => total_tokens));
    expect(
      metrics.value('longwire_tokens_total', { engine: 'scripted:test-model', model: 'test-model', type: 'cached' }),
    ).toBe(sum(({ input_tokens_details }) => input_tokens_details.cached_tokens));
    for (const name of [
      'gen_ai_server_request_duration_seconds_count',
      'gen_ai_server_time_to_first_token_seconds_count',
      'gen_ai_server_time_per_output_token_seconds_count',
    ]) {
      expect([name, metrics.value(name, chat)]).toEqual([name, 2]);
    }
    expect(series(metrics, 'longwire_turns_running')).toEqual([]);
    expect(third.status).toBe('completed');
  });

  it('tell a turn that runs from one that was cancelled, and one that failed from both', async () => {
    const held = createHeldEngine();
    await using server = await startCountingServer({ engines: [held.engine] });
    using socket = await TestSocket.open(server.url);
    const id = await beginTurn(socket);
    expect(series(await scrape(server), 'longwire_turns_running')).toEqual(['echo test-model websocket 1']);
    socket.send({ type: 'response.cancel', response_id: id });
    expect((await socket.response()).status).toBe('incomplete');
    const metrics = await scrape(server);
    expect(series(metrics, 'longwire_turns_running')).toEqual([]);
    expect(series(metrics, 'longwire_turns_total')).toEqual(['echo test-model websocket cancelled 1']);
  });

  it('name the error of a turn that failed, and of what broke inside by the catalogue', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw new Error('The words of a prompt.');
      },
    });
    await using server = await startCountingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    expect((await socket.response()).status).toBe('failed');
    const metrics = await scrape(server);
    expect(series(metrics, 'longwire_turns_total')).toEqual(['echo test-model websocket failed server_error 1']);
    const labels = { ...chat, gen_ai_provider_name: 'echo' };
    const count = 'gen_ai_server_request_duration_seconds_count';
    expect(metrics.value(count, { ...labels, error_type: 'server_error' })).toBe(1);
    expect(metrics.value(count, labels)).toBe(0);
    expect(series(metrics, 'gen_ai_server_time_to_first_token_seconds_count')).toEqual([]);
  });

  it('count a turn whose client went away as abandoned', async () => {
    const held = createHeldEngine();
    await using server = await startCountingServer({ engines: [held.engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    await socket.next();
    await socket.close();
    const abandoned = { engine: 'echo', model: 'test-model', transport: 'websocket', outcome: 'abandoned' };
    while ((await scrape(server)).value('longwire_turns_total', abandoned) === 0);
    expect(series(await scrape(server), 'longwire_turns_running')).toEqual([]);
  });

  it('tell transports apart, and where a history came from', async () => {
    await using server = await startCountingServer({ turns: [textTurn('One.'), textTurn('Two.')] });
    const stored = (await (await post(server.url, {})).json()) as { id: string; output: { content: unknown }[] };
    await (await post(server.url, { stream: true, previous_response_id: stored.id })).text();
    const history = [{ role: 'user', content: 'Hi.' }, ...stored.output, { role: 'user', content: 'And?' }];
    await (await post(server.url, { input: history })).json();
    await (await post(server.url, { input: [{ role: 'user', content: 'Other.' }, ...history.slice(1)] })).json();
    const { id } = (await (await post(server.url, { background: true })).json()) as { id: string };
    await (await fetch(`${server.url}/responses/${id}/cancel`, { method: 'POST' })).json();
    await (await post(server.url, { previous_response_id: 'resp_unknown' })).json();

    const metrics = await scrape(server);
    expect(series(metrics, 'longwire_turn_histories_total')).toEqual([
      'scripted:test-model matched 1',
      'scripted:test-model memory 1',
      'scripted:test-model none 2',
      'scripted:test-model sent 1',
    ]);
    expect(metrics.valuesOf('transport')).toEqual(new Set(['http', 'sse', 'background']));
    expect(series(metrics, 'longwire_refusals_total')).toEqual(['http previous_response_not_found 1']);
  });

  it('have no series for what clients make up', async () => {
    await using server = await startCountingServer();
    using socket = await TestSocket.open(server.url);
    for (const made of ['secret-one', 'secret-two']) {
      socket.create({ model: made, user: made, metadata: { made }, stream_id: made });
      await socket.error();
      socket.create({ stream_id: made, user: made, metadata: { made }, safety_identifier: made });
      await socket.response();
      await (await fetch(`${server.url}/responses/${made}`)).text();
      await (await fetch(`${server.url}/${made}`)).text();
    }
    const { samples } = await scrape(server);
    const labels = samples.flatMap(({ labels }) => Object.values(labels));
    expect(labels.filter((label) => /secret|resp_|conn_|req_/.test(label))).toEqual([]);
  });

  it('name projects only where that is asked for', async () => {
    const keys = ['--api-key', 'team-a=key-a'];
    const play = async (flags: readonly string[]) => {
      await using server = await startCountingServer({ flags: [...keys, ...flags] });
      using socket = await TestSocket.open(server.url, { headers: { authorization: 'Bearer key-a' } });
      socket.create({});
      const { usage } = await socket.response();
      return { metrics: await scrape(server), tokens: usage?.total_tokens };
    };
    const without = await play([]);
    expect(JSON.stringify(without.metrics.samples)).not.toContain('team-a');
    const { metrics, tokens } = await play(['--metrics-projects']);
    expect(series(metrics, 'longwire_project_turns_total')).toEqual(['team-a completed 1']);
    const counted = metrics.samples.filter(({ name }) => name === 'longwire_project_tokens_total');
    expect(counted.reduce((sum, { value }) => sum + value, 0)).toBe(tokens);
  });

  it('count one turn for every request that attaches to it', async () => {
    await using server = await startCountingServer();
    using socket = await TestSocket.open(server.url);
    for (let time = 0; time < 3; time++) {
      socket.create({ client_metadata: { longwire_idempotency_key: 'k' } });
      await socket.response();
    }
    const metrics = await scrape(server);
    expect(series(metrics, 'longwire_turns_total')).toEqual(['scripted:test-model test-model websocket completed 1']);
    expect(metrics.value('longwire_idempotent_replays_total')).toBe(2);
  });

  it('count a steered turn and its successor', async () => {
    const held = createHeldEngine();
    await using server = await startCountingServer({ engines: [held.engine] });
    using socket = await TestSocket.open(server.url);
    const id = await beginTurn(socket);
    socket.send({ type: 'response.steer', previous_response_id: id, input: 'Stop.' });
    await socket.turn();
    held.release();
    await socket.turn();
    expect(series(await scrape(server), 'longwire_turns_total')).toEqual([
      'echo test-model websocket completed 1',
      'echo test-model websocket steered 1',
    ]);
  });

  it('count the tokens of a summary apart from those of the answer', async () => {
    const { engine } = createRememberingEngine();
    await using server = await startCountingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const context_management = [{ type: 'compaction', compact_threshold: 100 }];
    socket.create({ input: `fact-1 ${'x'.repeat(500)}`, context_management });
    const { usage, output } = await socket.response();
    expect(output.map(({ type }) => type)).toEqual(['compaction', 'message']);
    const labels = { ...chat, gen_ai_provider_name: 'echo' };
    const tokensOf = (metrics: Exposition, operation: string) =>
      ['input', 'output'].map((type) =>
        metrics.value('gen_ai_client_token_usage_sum', {
          ...labels,
          gen_ai_operation_name: operation,
          gen_ai_token_type: type,
        }),
      );
    const answered = await scrape(server);
    expect(tokensOf(answered, 'chat')).toEqual([usage?.input_tokens, usage?.output_tokens]);
    const [read = 0, written = 0] = tokensOf(answered, 'compact');
    expect(read).toBeGreaterThan(100);
    socket.create({ input: [{ role: 'user', content: 'fact-2' }, { type: 'compaction_trigger' }] });
    const compacted = (await socket.response()).usage;
    const both = await scrape(server);
    expect(tokensOf(both, 'chat')).toEqual(tokensOf(answered, 'chat'));
    expect(tokensOf(both, 'compact')).toEqual([
      read + (compacted?.input_tokens ?? 0),
      written + (compacted?.output_tokens ?? 0),
    ]);
  });

  it('count calls like any other output', async () => {
    await using server = await startCountingServer({ turns: [callTurn(['call_1', 'look', '{}'])] });
    using socket = await TestSocket.open(server.url);
    socket.create({ tools: [{ type: 'function', name: 'look', parameters: {} }] });
    await socket.response();
    expect(series(await scrape(server), 'longwire_turns_total')).toEqual([
      'scripted:test-model test-model websocket completed 1',
    ]);
  });
});

/** Begins a turn; the id of its response. */
async function beginTurn(socket: TestSocket): Promise<string> {
  socket.create({});
  const created = await socket.next();
  if (!('response' in created)) throw new Error('No response.');
  return created.response.id;
}
