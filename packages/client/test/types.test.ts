/** What applications see of the types. */
import { describe, expectTypeOf, test } from 'vitest';
import type { InputItem, OutputItem, Response, ServerEvent } from '@longwire/protocol';
import { connect } from '../src/index.ts';
import type {
  Connection,
  ConnectionLostError,
  ConnectOptions,
  Lane,
  LaneRequest,
  Steering,
  SteerOutcome,
  TurnStream,
  WebSocketFactory,
} from '../src/index.ts';

describe('the types', () => {
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
});
