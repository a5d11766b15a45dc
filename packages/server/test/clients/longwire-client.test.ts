/** Our own client drives a real server. How it treats events one by one is tested in packages/client. */
import { connect, ConnectError, ConnectionLostError, ResponsesError } from '@longwire/client';
import type { Connection, ConnectOptions } from '@longwire/client';
import type { Response } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { callTurn, startTestServer, textTurn } from '../harness.ts';

const model = 'test-model';

async function open(server: { url: string }, options: Partial<ConnectOptions> = {}): Promise<Connection & Disposable> {
  const connection = await connect({ baseUrl: server.url, ...options });
  return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
}

function textOf({ output }: Response): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => ('text' in part ? part.text : ''))
    .join('');
}

describe('a lane', () => {
  it('sends its delta and is answered from the whole chain', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server);
    const lane = connection.lane();
    await lane.create({ model, input: 'one' }).response;
    const second = await lane.create({ model, input: 'two' }).response;
    expect(textOf(second)).toBe('user:one | assistant | user:two');
    expect(calls.flatMap((call) => (call.kind === 'extend' ? [call.items] : []))).toEqual([1, 1, 1, 1]);
  });

  it('takes a function tool round trip', async () => {
    const turns = [callTurn(['call_1', 'look', '{}']), textTurn('Seen.')];
    await using server = await startTestServer({ turns });
    using connection = await open(server);
    const lane = connection.lane('agent');
    const tools = [{ type: 'function' as const, name: 'look', strict: false, parameters: { type: 'object' } }];
    const asked = await lane.create({ model, tools, input: 'Look.' }).response;
    expect(asked.output).toMatchObject([{ type: 'function_call', call_id: 'call_1' }]);
    const output = { type: 'function_call_output' as const, call_id: 'call_1', output: 'a wall' };
    expect(textOf(await lane.create({ model, tools, input: [output] }).response)).toBe('Seen.');
  });

  it('goes on from a warm-up', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server);
    const lane = connection.lane();
    const warm = await lane.create({ model, input: 'known', generate: false }).response;
    expect(warm.output).toEqual([]);
    expect(textOf(await lane.create({ model, input: 'new' }).response)).toBe('user:known | user:new');
  });

  it('goes on after an error that made the server forget its chain', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server);
    const lane = connection.lane();
    const first = await lane.create({ model, input: 'one' }).response;
    const stray = { type: 'function_call_output' as const, call_id: 'call_unknown', output: '' };
    const failed = lane.create({ model, input: [stray] }).response;
    await expect(failed).rejects.toThrow(ResponsesError);
    await expect(failed).rejects.toMatchObject({ status: 400, code: null });
    expect(lane.newest).toBe(first.id);
    const retried = await lane.create({ model, input: 'two' }).response;
    expect(textOf(retried)).toBe('user:one | assistant | user:two');
    expect(retried.previous_response_id).toBeNull();
  });
});

describe('lanes of one connection', () => {
  it('run side by side', async () => {
    const both = Promise.withResolvers<void>();
    let running = 0;
    const { engine } = createEchoEngine({
      hold: () => {
        running += 1;
        if (running === 2) both.resolve();
        // Neither ends before the other has begun.
        return both.promise;
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server);
    const turns = ['a', 'b'].map((name) => connection.lane(name).create({ model, input: name }));
    const responses = await Promise.all(turns.map(({ response }) => response));
    expect(responses.map(textOf)).toEqual(['user:a', 'user:b']);
  });

  it('fork one another', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server);
    const main = connection.lane();
    const trunk = await main.create({ model, input: 'trunk' }).response;
    const fork = connection.lane('side').create({ model, input: 'side', previous_response_id: trunk.id });
    const next = main.create({ model, input: 'main' });
    expect(textOf(await fork.response)).toBe('user:trunk | assistant | user:side');
    expect(textOf(await next.response)).toBe('user:trunk | assistant | user:main');
  });
});

describe('the end of a connection', () => {
  it('closing it stops the engine', async () => {
    const held = Promise.withResolvers<void>();
    const { engine, calls } = createEchoEngine({
      hold: () => {
        held.resolve();
        return new Promise(() => {});
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    const connection = await open(server);
    const turn = connection.lane().create({ model, input: 'one' });
    await held.promise;
    connection.close();
    await expect(turn.response).rejects.toThrow(ConnectionLostError);
    await server.drain();
    expect(calls).toContainEqual({ kind: 'aborted' });
  });

  it('a drain lets a running turn end; afterwards nothing is there to connect to', async () => {
    const held = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({
      hold: () => {
        held.resolve();
        return go.promise;
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server, { retry: { attempts: 1, baseMs: 10 } });
    const turn = connection.lane().create({ model, input: 'one' });
    await held.promise;
    const drained = server.drain();
    go.resolve();
    expect(textOf(await turn.response)).toBe('user:one');
    await drained;
    const late = connection.lane().create({ model, input: 'two' }).response;
    await expect(late).rejects.toThrow(ConnectError);
  });

  it('a key is checked before there is one', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'team=right'] });
    await expect(open(server, { apiKey: 'wrong' })).rejects.toThrow('No WebSocket could be opened');
    using connection = await open(server, { apiKey: 'right' });
    expect(textOf(await connection.lane().create({ model, input: 'Hi.' }).response)).toBe('Hello.');
  });
});
