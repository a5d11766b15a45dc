import { ResponseFold, type ServerEvent } from '@longwire/protocol';
import { expect, test } from 'vitest';
import { chatWire, sessionWire, toAnswers } from '../../../../bench/engine/answers.ts';
import { commonPrefix, instant, paced, toDelayMs, withFrontEnd } from '../../../../bench/engine/cost.ts';
import { dueAfter, play } from '../../../../bench/engine/play.ts';
import { responsesWire, toResponsesAnswers } from '../../../../bench/engine/responses-wire.ts';
import { countAssistantRuns, countOutputRuns } from '../../../../bench/engine/runs.ts';
import { loadWorkload } from '../../../../bench/workloads/load.ts';

test('the first token is due at once, and token k at k/rate', () => {
  expect([0, 0.9, 1, 2.5, 99].map((ms) => dueAfter(ms, 10, 1000))).toEqual([1, 1, 2, 3, 10]);
  expect(dueAfter(0, 10, 0)).toBe(10);
});

test('a front end pays for all that it gets, prefill for what is new', () => {
  const pace = withFrontEnd(1000, 500_000);
  // 400,000 bytes are 100,000 tokens: 200 ms of front end, 5 s of prefill.
  expect(toDelayMs(pace, 400_000, 0)).toBeCloseTo(5 + 200 + 5000);
  expect(toDelayMs(pace, 400_000, 400_000)).toBeCloseTo(5 + 200);
  expect(toDelayMs(withFrontEnd(1000, 0), 400_000, 400_000)).toBeCloseTo(5);
  expect(toDelayMs(paced(1000), 400_000, 0)).toBe(0);
});

test('a common prefix ends at the first byte that differs', () => {
  const a = Buffer.from('one two three');
  expect(commonPrefix(a, Buffer.from('one two four'))).toBe(8);
  expect(commonPrefix(a, a)).toBe(a.length);
  expect(commonPrefix(a, Buffer.from('one'))).toBe(3);
  expect(commonPrefix(a, Buffer.from('x'))).toBe(0);
});

test('turns are counted by who speaks, and content cannot pass for a role', () => {
  const messages = [
    { role: 'system', content: '"role":"assistant"' },
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'assistant', content: null, tool_calls: [{ id: '1', function: { arguments: '{"role":"assistant"}' } }] },
    { role: 'tool', content: 'c' },
    { role: 'assistant', content: 'd' },
    { role: 'user', content: 'e' },
  ];
  expect(countAssistantRuns(Buffer.from(JSON.stringify({ model: 'm', messages })))).toBe(2);
  expect(countAssistantRuns(Buffer.from('{"messages":[]}'))).toBe(0);
});

test('turns of a Responses body are counted by messages and calls of the model', () => {
  const input = [
    { type: 'message', role: 'user', content: '{"role":"assistant"}' },
    { role: 'assistant', content: 'a' },
    { type: 'function_call', call_id: '1', arguments: '{"type":"function_call_output"}' },
    { type: 'function_call_output', call_id: '1', output: 'b' },
    { type: 'function_call', call_id: '2', arguments: '{}' },
    { type: 'function_call_output', call_id: '2', output: 'c' },
  ];
  const tools = [{ type: 'function', name: 'f' }];
  expect(countOutputRuns(Buffer.from(JSON.stringify({ model: 'm', tools, input })))).toBe(2);
  expect(countOutputRuns(Buffer.from('{"input":"Go."}'))).toBe(0);
});

test('an answer over the Responses wire folds to the output of the workload', async () => {
  const airline = loadWorkload('airline-27');
  const answers = toResponsesAnswers(airline);
  for (const [index, turn] of airline.turns.entries()) {
    let written = '';
    const sink = { destroyed: false, write: (bytes: string) => (written += bytes) };
    await play(answers[index] ?? { opening: '', deltas: [], closing: '' }, responsesWire, instant, sink);
    const lines = written.split('\n').filter((line) => line.startsWith('data: '));
    const events = lines.map((line) => JSON.parse(line.slice('data: '.length)) as ServerEvent);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, place) => place));
    const fold = new ResponseFold();
    for (const event of events.slice(0, -1)) fold.apply(event);
    // Without its terminal event: that one has the whole output once more.
    expect(outputText(fold.response?.output)).toBe(outputText(turn.output));
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { status: 'completed' } });
  }
});

test.each([
  ['chat completions', chatWire],
  ['sessions', sessionWire],
])('an answer over %s says every word of the workload', async (_name, wire) => {
  const airline = loadWorkload('airline-27');
  const answers = toAnswers(airline, wire);
  expect(answers).toHaveLength(airline.turns.length);
  let written = '';
  const sink = { destroyed: false, write: (bytes: string) => (written += bytes) };
  await play(answers[0] ?? { opening: '', deltas: [], closing: '' }, wire, instant, sink);
  expect(textOf(written)).toBe(outputText(airline.turns[0]?.output));
});

/** Text and arguments of either wire, in order. */
function textOf(written: string): string {
  return written
    .split('\n')
    .map((line) => line.replace(/^data: /, ''))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as WireLine)
    .map(({ delta, choices }) => {
      const chat = choices?.[0]?.delta;
      return delta ?? chat?.content ?? chat?.tool_calls?.[0]?.function?.arguments ?? '';
    })
    .join('');
}

interface WireLine {
  readonly delta?: string;
  readonly choices?: readonly {
    readonly delta: { content?: string; tool_calls?: readonly { function?: { arguments?: string } }[] };
  }[];
}

function outputText(output: readonly unknown[] | undefined): string {
  const items = (output ?? []) as { content?: { text: string }[]; arguments?: string }[];
  return items.map((item) => item.arguments ?? (item.content ?? []).map(({ text }) => text).join('')).join('');
}
