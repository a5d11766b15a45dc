/** What applications see of the types. */
import type { OpenAIProviderSettings } from '@ai-sdk/openai';
import type { ClientOptions } from 'openai';
import { describe, expectTypeOf, test } from 'vitest';
import type { InputItem, OutputItem, Response, ServerEvent } from '@longwire/protocol';
import { connect, createFetch, runTools, tool } from '../src/index.ts';
import type {
  Connection,
  ConnectionLostError,
  ConnectOptions,
  FetchOptions,
  Lane,
  LaneRequest,
  RunEvent,
  RunnableTool,
  RunToolsOptions,
  ToolRun,
  SocketFetch,
  Steering,
  SteerOutcome,
  TurnStream,
  WebSocketFactory,
} from '../src/index.ts';

describe('the types', () => {
  test('of a fetch are those of the platform', () => {
    expectTypeOf(createFetch).returns.toEqualTypeOf<SocketFetch>();
    expectTypeOf<SocketFetch>().toExtend<typeof fetch>();
    expectTypeOf<SocketFetch>().toExtend<NonNullable<ClientOptions['fetch']>>();
    expectTypeOf<SocketFetch>().toExtend<NonNullable<OpenAIProviderSettings['fetch']>>();
    // Where to and with which key is said by each call.
    expectTypeOf<FetchOptions>().not.toHaveProperty('baseUrl');
    expectTypeOf<FetchOptions>().not.toHaveProperty('apiKey');
    expectTypeOf<FetchOptions>().toExtend<Partial<ConnectOptions>>();
  });

  test('of a connection', () => {
    expectTypeOf(connect).parameters.toEqualTypeOf<[ConnectOptions]>();
    expectTypeOf(connect).returns.resolves.toEqualTypeOf<Connection>();
    expectTypeOf<Pick<ConnectOptions, 'baseUrl'>>().toExtend<ConnectOptions>();
    expectTypeOf<Connection['lane']>().returns.toEqualTypeOf<Lane>();
    expectTypeOf<ConnectOptions['fallback']>().toEqualTypeOf<'sse' | 'never' | undefined>();
    // The platform's own socket will do.
    expectTypeOf<(url: URL) => WebSocket>().toExtend<WebSocketFactory>();
  });

  test('of a turn', () => {
    expectTypeOf<Lane['create']>().returns.toEqualTypeOf<TurnStream>();
    expectTypeOf<TurnStream>().toExtend<AsyncIterable<ServerEvent>>();
    expectTypeOf<TurnStream['response']>().resolves.toEqualTypeOf<Response>();
    expectTypeOf<Lane['history']>().returns.resolves.toEqualTypeOf<InputItem[]>();
    expectTypeOf<LaneRequest>().not.toHaveProperty('stream');
    expectTypeOf<LaneRequest>().not.toHaveProperty('background');
    expectTypeOf<{ model: string; input: string }>().toExtend<LaneRequest>();
  });

  test('of a steer are told apart by state', () => {
    expectTypeOf<Steering['outcome']>().resolves.toEqualTypeOf<SteerOutcome>();
    expectTypeOf<SteerOutcome['state']>().toEqualTypeOf<'applied' | 'pending' | 'failed'>();
    expectTypeOf<Extract<SteerOutcome, { state: 'applied' }>>().toHaveProperty('responseId');
    expectTypeOf<Extract<SteerOutcome, { state: 'failed' }>>().toHaveProperty('input');
  });

  test('of a loss say what is known', () => {
    expectTypeOf<ConnectionLostError>().toExtend<Error>();
    expectTypeOf<ConnectionLostError['items']>().toEqualTypeOf<readonly OutputItem[]>();
    expectTypeOf<ConnectionLostError['responseId']>().toEqualTypeOf<string | null>();
  });

  test('of a tool’s arguments come from its schema', () => {
    const search = tool({
      name: 'search',
      parameters: {
        type: 'object',
        properties: {
          text: { type: 'string' },
          limit: { type: 'integer' },
          order: { enum: ['newest', 'oldest'] },
          tags: { type: 'array', items: { type: 'string' } },
          within: { type: 'object', properties: { deep: { type: 'boolean' } }, required: ['deep'] },
          more: {},
        },
        required: ['text', 'within'],
      },
      run(args) {
        expectTypeOf(args.text).toEqualTypeOf<string>();
        expectTypeOf(args.limit).toEqualTypeOf<number | undefined>();
        expectTypeOf(args.order).toEqualTypeOf<'newest' | 'oldest' | undefined>();
        expectTypeOf(args.tags).toEqualTypeOf<string[] | undefined>();
        expectTypeOf(args.within.deep).toEqualTypeOf<boolean>();
        expectTypeOf(args.more).toEqualTypeOf<unknown>();
        return '';
      },
    });
    expectTypeOf<[typeof search, RunnableTool]>().toExtend<RunToolsOptions['tools']>();
  });

  test('of a run', () => {
    expectTypeOf(runTools).returns.toEqualTypeOf<ToolRun>();
    expectTypeOf<ToolRun>().toExtend<AsyncIterable<RunEvent>>();
    expectTypeOf<RunToolsOptions>().not.toHaveProperty('context_management');
    expectTypeOf<ToolRun['continuation']>().toExtend<Partial<RunToolsOptions>>();
    // Events are told apart by type.
    expectTypeOf<Extract<RunEvent, { type: 'tool.output' }>['outcome']>().toEqualTypeOf<
      'ok' | 'error' | 'denied' | 'stopped'
    >();
  });
});
