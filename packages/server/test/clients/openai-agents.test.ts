/** The agents SDK drives a real server over its WebSocket, and lives with a line that breaks (clients.md 9). */
import { Agent, tool, withResponsesWebSocketSession } from '@openai/agents';
import type { ResponsesWebSocketSession } from '@openai/agents';
import { errors } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createEchoEngine } from '../echo-engine.ts';
import { callTurn, textTurn } from '../harness.ts';
import { breakInMidTurn, breaks, startFaultyServer } from './faulty-server.ts';

const turns = [callTurn(['call_paris', 'get_weather', '{"city":"Paris"}']), textTurn('It rains in Paris.')];

function createAgent(): { agent: Agent; asked: string[] } {
  const asked: string[] = [];
  const weather = tool({
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: z.object({ city: z.string() }),
    execute: ({ city }) => {
      asked.push(city);
      return 'rain';
    },
  });
  return {
    agent: new Agent({ name: 'Weather', instructions: 'Be brief.', model: 'test-model', tools: [weather] }),
    asked,
  };
}

async function withSession(server: { url: string }, play: (run: ResponsesWebSocketSession['run']) => Promise<void>) {
  await withResponsesWebSocketSession(({ run }) => play(run), {
    providerOptions: { baseURL: server.url, apiKey: 'unused' },
    runnerConfig: { tracingDisabled: true },
  });
}

describe('a session on one socket', () => {
  it('a tool round trip, and a run that continues it', async () => {
    await using server = await startFaultyServer({ turns: [...turns, textTurn('Still.')] });
    const { agent, asked } = createAgent();
    await withSession(server, async (run) => {
      const first = await run(agent, 'Weather in Paris?');
      expect(first.finalOutput).toBe('It rains in Paris.');
      const second = await run(agent, 'And now?', { previousResponseId: first.lastResponseId ?? '' });
      expect(second.finalOutput).toBe('Still.');
    });
    expect(asked).toEqual(['Paris']);
    // In a run it sends the whole history; across runs the new message alone.
    const sent = server.proxy.requests.map(({ socket, items }) => [socket, items]);
    expect(sent).toEqual([
      [1, 1],
      [1, 3],
      [1, 1],
    ]);
    expect(server.proxy.requests[2]?.previousResponseId).toMatch(/^resp_/);
  });

  it('streams', async () => {
    await using server = await startFaultyServer();
    const { agent } = createAgent();
    await withSession(server, async (run) => {
      const streamed = await run(agent, 'Hi.', { stream: true });
      let text = '';
      for await (const chunk of streamed.toTextStream()) text += chunk;
      expect(text).toBe('Hello.');
    });
  });
});

describe('faults', () => {
  it('an error frame fails the run; the next one connects again', async () => {
    await using server = await startFaultyServer();
    const { agent } = createAgent();
    await withSession(server, async (run) => {
      const refused = run(agent, 'Hi.', { previousResponseId: 'resp_unknown' });
      await expect(refused).rejects.toThrow('unsuccessful terminal state "error"');
      await expect(run(agent, 'Hi.')).resolves.toMatchObject({ finalOutput: 'Hello.' });
    });
  });

  it('a response that fails, fails the run', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw errors.engineUnavailable('The upstream is gone.');
      },
    });
    await using server = await startFaultyServer({ engines: [engine] });
    const { agent } = createAgent();
    await withSession(server, async (run) => {
      await expect(run(agent, 'Hi.')).rejects.toThrow('unsuccessful terminal state "response.failed"');
    });
  });

  it.each(breaks)('%s in mid-turn fails the run; the next one connects again', async (how) => {
    await using server = await startFaultyServer({}, breakInMidTurn(how));
    const { agent } = createAgent();
    await withSession(server, async (run) => {
      // The request had left: the SDK will not send it twice by itself.
      await expect(run(agent, 'Hi.')).rejects.toMatchObject({ unsafeToReplay: true });
      await expect(run(agent, 'Hi.')).resolves.toMatchObject({ finalOutput: 'Hello.' });
    });
    expect(server.proxy.opened).toBe(2);
  });

  it.each(breaks)('%s while idle goes unnoticed: the next run continues on another socket', async (how) => {
    await using server = await startFaultyServer({ turns });
    const { agent, asked } = createAgent();
    await withSession(server, async (run) => {
      const first = await run(agent, 'Weather in Paris?');
      await server.proxy.breakAll(how);
      // What it continues is stored: it does not live on the socket that has gone.
      const second = await run(agent, 'And now?', { previousResponseId: first.lastResponseId ?? '' });
      expect(second.finalOutput).toBe('It rains in Paris.');
    });
    expect(asked).toEqual(['Paris', 'Paris']);
    expect(server.proxy.opened).toBe(2);
  });
});
