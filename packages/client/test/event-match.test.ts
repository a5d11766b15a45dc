/** Whose an event of a lane is. */
import type { ServerEvent } from '@longwire/protocol';
import { describe, expect, test } from 'vitest';
import { matchEvent } from '../src/event-match.ts';
import type { AwaitedResponse, EventMatch } from '../src/event-match.ts';
import { answer, refusal } from './peer.ts';
import type { Frame } from './peer.ts';

const fresh: AwaitedResponse = { isWaiting: true, responseId: null, endedId: null, previousResponseId: 'resp_0' };
const running = { ...fresh, isWaiting: false, responseId: 'resp_1' };
const again = { ...running, isWaiting: true };
const steered = { ...running, endedId: 'resp_1' };

function created(id: string, previous?: string | null): Frame {
  return {
    type: 'response.created',
    response: { id, previous_response_id: previous, status: 'in_progress', output: [] },
  };
}
const delta = answer('resp_1', 'a')[3] ?? {};

describe('an event is', () => {
  test.each<[string, Frame, AwaitedResponse, EventMatch]>([
    ['ours, where it begins what was asked for', created('resp_1', 'resp_0'), fresh, 'ours'],
    ['ours, where the server tells no parent', created('resp_1'), fresh, 'ours'],
    ['not ours, where it goes on from another parent', created('resp_9', 'resp_8'), fresh, 'notOurs'],
    ['not ours, where its response has ended before', created('resp_old', 'resp_0'), fresh, 'notOurs'],
    ['not ours, where it names no response and none has begun', delta, fresh, 'notOurs'],
    ['ours, where it names none and one runs', delta, running, 'ours'],
    ['ours, where it names the one that runs', created('resp_1', 'resp_0'), running, 'ours'],
    ['not ours, where another one runs', created('resp_2', 'resp_0'), running, 'notOurs'],
    ['a beginning anew, where what runs was asked for again', created('resp_2', 'resp_0'), again, 'begunAnew'],
    ['ours, where it follows the one that was steered', created('resp_2', 'resp_1'), steered, 'ours'],
    ['not ours, where it is of the one that was steered', created('resp_1', 'resp_0'), steered, 'notOurs'],
    ['ours, where it refuses', refusal('invalid_prompt', 'No.'), running, 'ours'],
    ['not ours, where it refuses after the end', refusal('invalid_prompt', 'No.'), steered, 'notOurs'],
  ])('%s', (_, event, awaited, expected) => {
    const hasEnded = (id: string) => id === 'resp_old';
    expect(matchEvent(event as unknown as ServerEvent, awaited, hasEnded)).toBe(expected);
  });
});
