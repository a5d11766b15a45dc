const t = performance.now();
const p = await import('../src/index.ts');
console.log('import', performance.now() - t);
const show = (f) => {
  try {
    console.log(JSON.stringify(f()).slice(0, 300));
  } catch (e) {
    console.log(e.name, e.code, e.param, '|', e.message);
  }
};
const c = (b, tr = 'websocket') => show(() => p.parseCreateRequest(b, tr));
c({ model: 'x', input: 'hi' });
c({ input: [{ role: 'user', content: [{ type: 'input_text', text: 1 }] }] });
c({ input: [{ role: 'user', content: [{ type: 'foo', text: 1 }] }] });
c({ input: [{ role: 'user', content: 5 }] });
c({ input: [{ role: 'usr', content: '5' }] });
c({ input: [{ type: 'function_call', call_id: 'x', arguments: '{}' }] });
c({ tools: [{ type: 'function', name: 'a', parameters: 5 }] });
c({ tools: [{ type: 'function', function: { name: 'x' } }] });
c({ temperature: 3 });
c({ temperature: '3' });
c({ model: 4 });
c({ truncation: 'x' });
c({ tool_choice: 'x' });
c({ tool_choice: { type: 'x' } });
c({ tool_choice: { type: 'function' } });
c({ metadata: { a: 1 } });
c({ text: { format: { type: 'json_schema' } } });
c({ include: ['x'] });
c({ max_output_tokens: 1.5 });
c({ background: true });
c({ background: true }, 'http');
c({ stream: 5 });
c({ stream: 5 }, 'http');
c({ stream_id: 'x' }, 'http');
c({ input: [{ id: 'x' }] });
c({ input: [{ type: null, id: 'x' }] });
c({ input: [{ type: 'compaction_trigger' }, { type: 'x:y' }] });
c({ input: 5 });
c({ input: [5] });
c({ previous_response_id: 'a', conversation: 'b' });
c({ reasoning: { effort: 'x' } });
console.log(p.eventSchemas.size, performance.now() - t);
console.log(
  JSON.stringify(
    p.createResponse({
      id: 'resp_1',
      createdAt: 1,
      model: 'm',
      settings: p.resolveSettings(p.parseCreateRequest({ tools: [{ type: 'function', name: 'a' }] }, 'http')),
    }),
  ),
);
show(() =>
  p.parseSteer({ type: 'response.steer', previous_response_id: 'r', input: [{ role: 'user', content: 'x' }] }),
);
show(() =>
  p.parseSteer({ type: 'response.steer', previous_response_id: 'r', input: [{ role: 'system', content: 'x' }] }),
);
show(() => p.parseSteer({ type: 'response.steer', previous_response_id: 'r', input: [] }));
show(() => p.parseSteer({ type: 'response.steer', previous_response_id: 'r', input: '' }));
