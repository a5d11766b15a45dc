/** Ids of calls that the model writes itself, and reads again in the results. */
import type { Item } from '@longwire/protocol';
import { expect, it } from 'vitest';
import { createLlamaServerEngine } from '../../../src/engine/llama-server/llama-server.ts';
import { output, takeTurn, user, weatherTool } from '../token-chain/turns.ts';
import type { Turn } from '../token-chain/turns.ts';
import { decode } from '../token-server/characters.ts';
import { startFakeServer } from './fake-server.ts';

/** In the manner of Mistral's templates: they refuse ids that are not nine letters and digits. */
function toTemplate(call: string, result: string): string {
  const idCheck = `{%- if c.id|length != 9 %}{{- raise_exception('nine') }}{%- endif %}`;
  return (
    `{%- if tools %}{{- '[AVAILABLE_TOOLS]' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}{%- endif %}` +
    `{%- for m in messages %}{%- if m.role == 'user' %}{{- '[INST]' + m.content + '[/INST]' }}` +
    `{%- elif m.role == 'tool' %}{{- ${result} }}` +
    `{%- else %}{{- m.content }}{%- for c in m.tool_calls or [] %}${idCheck}{{- ${call} }}{%- endfor %}{{- '<|im_end|>' }}{%- endif %}{%- endfor %}`
  );
}

const marked = toTemplate(
  `'[TOOL_CALLS]' + c.function.name + '[CALL_ID]' + c.id + '[ARGS]' + c.function.arguments`,
  `'[TOOL_RESULTS]' + m.tool_call_id + '[TOOL_CONTENT]' + m.content + '[/TOOL_RESULTS]'`,
);
const array = toTemplate(
  `'[TOOL_CALLS][{"name": "' + c.function.name + '", "arguments": ' + c.function.arguments + ', "id": "' + c.id + '"}]'`,
  `'[TOOL_RESULTS]{"content": "' + m.content + '", "call_id": "' + m.tool_call_id + '"}[/TOOL_RESULTS]'`,
);
const oslo = '{"city": "Oslo"}';
const request = { tools: [weatherTool] };

/** A turn in which the model calls, and the one with the results: the second prompt, behind the first, and both turns. */
async function call(template: string, said: string): Promise<{ behind: string; turns: Turn[] }> {
  await using server = await startFakeServer();
  server.chatTemplate = template;
  const engine = createLlamaServerEngine({ name: 'upstream', baseUrl: server.baseUrl });
  try {
    server.answer = () => (server.completions.length === 1 ? said : 'It is 7.');
    const asked = await takeTurn(engine, null, [user('Weather?')], { request });
    const results = asked.items.flatMap((item): Item[] =>
      item.type === 'function_call' ? [output(item.call_id, '7 degrees')] : [],
    );
    const told = await takeTurn(engine, asked.context, results, { request });
    const [one = '', two = ''] = server.completions.map(({ prompt }) => decode(prompt));
    expect(two.startsWith(one)).toBe(true);
    return { behind: two.slice(one.length), turns: [asked, told] };
  } finally {
    await engine.close();
  }
}

it('answers a call by the id that the model gave it, behind the very tokens that it wrote', async () => {
  const said = `[TOOL_CALLS]get_weather[CALL_ID]abcDEF123[ARGS]${oslo}`;
  const { behind, turns } = await call(marked, said);
  expect(behind).toBe(`${said}<|im_end|>[TOOL_RESULTS]abcDEF123[TOOL_CONTENT]7 degrees[/TOOL_RESULTS]`);
  const [asked, told] = turns;
  expect(asked?.calls).toEqual([{ name: 'get_weather', arguments: oslo }]);
  expect(told?.usage.cachedTokens).toBe((asked?.usage.inputTokens ?? 0) + (asked?.usage.outputTokens ?? 0));
});

it('gives calls of one id new ones for the client, which end with it', async () => {
  const said = `[TOOL_CALLS]get_weather[CALL_ID]000000000[ARGS]${oslo}`;
  const { behind, turns } = await call(marked, said + said);
  const ids = turns[0]?.items.map((item) => (item.type === 'function_call' ? item.call_id : ''));
  expect(ids).toEqual([expect.stringMatching(/^call_\w{24}_000000000$/), expect.stringMatching(/_000000000$/)]);
  expect(new Set(ids).size).toBe(2);
  expect(behind.startsWith(`${said}${said}<|im_end|>`)).toBe(true);
});

it.each([
  [
    'stands behind the arguments',
    array,
    `[TOOL_CALLS][{"name": "get_weather", "arguments": ${oslo}, "id": "abcDEF123"}]`,
  ],
  ['is none that the template takes', marked, `[TOOL_CALLS]get_weather[CALL_ID]1[ARGS]${oslo}`],
])('writes a call again whose id %s: with the id of its result', async (_, template, said) => {
  const { behind, turns } = await call(template, said);
  const [, inCall, inResult] =
    /(?:"id": "|\[CALL_ID\])(\w+)[^]*(?:"call_id": "|\[TOOL_RESULTS\])(\w{9})/.exec(behind) ?? [];
  expect(inCall).toMatch(/^[a-z0-9]{9}$/);
  expect(inResult).toBe(inCall);
  expect(turns[1]?.text).toBe('It is 7.');
});
