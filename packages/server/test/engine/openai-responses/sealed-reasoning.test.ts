import type { Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { tell } from './chain.ts';
import { createEngine, inputOf } from './engines.ts';
import { inTurn, refuse, say, startResponsesServer, type Behaviour } from './responses-server.ts';

/** Thinks behind a seal, then calls a tool. */
const think: Behaviour = ({ body }, send) => {
  const lane = { stream_id: body.stream_id };
  const reasoning = {
    type: 'reasoning',
    id: 'rs_1',
    summary: [{ type: 'summary_text', text: 'Hm.' }],
    encrypted_content: 'SEAL',
  };
  const call = {
    type: 'function_call',
    id: 'fc_1',
    call_id: 'call_1',
    name: 'look',
    arguments: '{}',
    status: 'completed',
  };
  send(
    { ...lane, type: 'response.created', response: { id: 'resp_think', output: [] } },
    { ...lane, type: 'response.output_item.added', output_index: 0, item: { ...reasoning, summary: [] } },
    { ...lane, type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'Hm.' },
    { ...lane, type: 'response.output_item.done', output_index: 0, item: reasoning },
    { ...lane, type: 'response.output_item.added', output_index: 1, item: { ...call, arguments: '' } },
    { ...lane, type: 'response.function_call_arguments.delta', output_index: 1, delta: '{}' },
    { ...lane, type: 'response.output_item.done', output_index: 1, item: call },
    {
      ...lane,
      type: 'response.completed',
      response: { id: 'resp_think', status: 'completed', output: [reasoning, call] },
    },
  );
};

describe('sealed reasoning', () => {
  const result: Item = { type: 'function_call_output', call_id: 'call_1', output: 'Seen.' };

  it('is kept, so that a chain that is told again has it', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = think;
    const first = await tell(engine, null, 'Look.');
    expect(first.output.map(({ type }) => type)).toEqual(['reasoning', 'function_call']);
    expect(JSON.stringify(first.output)).not.toContain('SEAL');

    server.behaviour = inTurn(refuse(400, 'previous_response_not_found'), say('Done.'));
    await tell(engine, first.context, [result]);
    expect(server.asked[2]?.body.input).toMatchObject([
      { type: 'message' },
      { type: 'reasoning', encrypted_content: 'SEAL' },
      { type: 'function_call', call_id: 'call_1' },
      { type: 'function_call_output', call_id: 'call_1' },
    ]);
  });

  it('goes to a client that asks for it', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    server.behaviour = think;
    const { output } = await tell(engine, null, 'Look.', { include: ['reasoning.encrypted_content'] });
    expect(output[0]).toMatchObject({ type: 'reasoning', encrypted_content: 'SEAL', summary: [{ text: 'Hm.' }] });
  });

  it('is left out where only its summary is known', async () => {
    await using server = await startResponsesServer();
    await using engine = createEngine(server);
    const summary: Item = { type: 'reasoning', id: 'rs_9', summary: [{ type: 'summary_text', text: 'Hm.' }] };
    await tell(engine, engine.extend(null, [summary]), 'Go on.');
    expect(inputOf(server, 0)).toEqual(['Go on.']);
  });
});
