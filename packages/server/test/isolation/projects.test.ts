/** Two projects on one server: what belongs to one does not exist for the other, in exactly the words for what never was. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestServer, TestSocket } from '../harness.ts';

const flags = ['--api-key', 'a=secret-of-a-0123456789', '--api-key', 'b=secret-of-b-0123456789'];
const asA = { authorization: 'Bearer secret-of-a-0123456789' };
const asB = { authorization: 'Bearer secret-of-b-0123456789' };
type Headers = Record<string, string>;

/** What an HTTP request is answered with; the response id in the words is written `ID`. */
interface Answer {
  readonly status: number;
  readonly body: string;
}

async function ask(url: string, headers: Headers, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, headers: { ...headers, 'content-type': 'application/json' } });
  return { status: response.status, body: await response.text() };
}

function post(url: string, headers: Headers, body: object): Promise<Answer> {
  return ask(`${url}/responses`, headers, {
    method: 'POST',
    body: JSON.stringify({ model: 'test-model', input: 'Hi.', ...body }),
  });
}

/** The answer to an upgrade that is refused. */
async function upgrade(url: string, headers: Headers): Promise<Answer> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/responses`, { headers });
  socket.on('error', () => {});
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** A response of project a, stored. */
async function storedByA(url: string): Promise<string> {
  const { body } = await post(url, asA, { store: true });
  return (JSON.parse(body) as { id: string }).id;
}

const madeUp = 'resp_0123456789abcdef006b030c4d62a4576f51e9a3369c278b29';

/** Ways to name a response that is not one's own. */
const ways: [name: string, status: number, code: string, go: (url: string, id: string) => Promise<Answer>][] = [
  ['GET', 404, 'response_not_found', (url, id) => ask(`${url}/responses/${id}`, asB)],
  ['GET as a stream', 404, 'response_not_found', (url, id) => ask(`${url}/responses/${id}?stream=true`, asB)],
  ['its input items', 404, 'response_not_found', (url, id) => ask(`${url}/responses/${id}/input_items`, asB)],
  ['cancel', 404, 'response_not_found', (url, id) => ask(`${url}/responses/${id}/cancel`, asB, { method: 'POST' })],
  ['DELETE', 404, 'response_not_found', (url, id) => ask(`${url}/responses/${id}`, asB, { method: 'DELETE' })],
  [
    'a continuation as JSON',
    400,
    'previous_response_not_found',
    (url, id) => post(url, asB, { previous_response_id: id }),
  ],
  [
    'a continuation as a stream',
    400,
    'previous_response_not_found',
    (url, id) => post(url, asB, { previous_response_id: id, stream: true }),
  ],
  [
    'a continuation over WebSocket',
    400,
    'previous_response_not_found',
    async (url, id) => {
      using socket = await TestSocket.open(url, { headers: asB });
      socket.create({ previous_response_id: id });
      const { status = 0, error } = await socket.error();
      return { status, body: JSON.stringify({ error }) };
    },
  ],
];

describe('a stored response of another project', () => {
  it.each(ways)('%s: is answered like one that never was', async (_name, status, code, go) => {
    await using server = await startTestServer({ flags });
    const { url } = server;
    const id = await storedByA(url);
    const [foreign, none] = [await go(url, id), await go(url, madeUp)];
    expect(foreign.status).toBe(status);
    expect(JSON.parse(foreign.body)).toMatchObject({ error: { type: 'invalid_request_error', code } });
    expect({ ...foreign, body: foreign.body.replaceAll(id, 'ID') }).toEqual({
      ...none,
      body: none.body.replaceAll(madeUp, 'ID'),
    });
    // Its owner has lost nothing.
    expect(await ask(`${url}/responses/${id}`, asA)).toMatchObject({ status: 200 });
    expect(await post(url, asA, { previous_response_id: id })).toMatchObject({ status: 200 });
  });

  it('is not found by an item that refers to it', async () => {
    await using server = await startTestServer({ flags });
    const { body } = await post(server.url, asA, { store: true });
    const { output } = JSON.parse(body) as { output: { id: string }[] };
    const refer = (id: string) => post(server.url, asB, { input: [{ type: 'item_reference', id }] });
    const itemId = output[0]?.id ?? '';
    const other = `msg_${'0'.repeat(50)}`;
    const [foreign, none] = [await refer(itemId), await refer(other)];
    expect(foreign.status).toBeGreaterThanOrEqual(400);
    expect(foreign.body.replaceAll(itemId, 'ID')).toBe(none.body.replaceAll(other, 'ID'));
  });

  it('that runs or ran on another socket can neither be forked, steered nor cancelled', async () => {
    await using server = await startTestServer({ flags });
    using owner = await TestSocket.open(server.url, { headers: asA });
    using other = await TestSocket.open(server.url, { headers: asB });
    owner.create({ store: false });
    const { id } = await owner.response();
    other.create({ previous_response_id: id });
    expect((await other.error()).error.code).toBe('previous_response_not_found');
    other.send({ type: 'response.steer', previous_response_id: id, input: 'x' });
    expect(await other.next()).toMatchObject({ type: 'response.steer.failed', error: { code: 'response_not_found' } });
    owner.create({ previous_response_id: id });
    expect((await owner.response()).status).toBe('completed');
  });
});

describe('a key that is missing or wrong', () => {
  const keys: [string, Headers][] = [
    ['no key', {}],
    ['another key', { authorization: 'Bearer secret-of-c-0123456789' }],
    ['half a key', { authorization: 'Bearer secret-of-a' }],
    ['another scheme', { authorization: 'Basic c2VjcmV0LW9mLWE6' }],
    ['an empty key', { authorization: 'Bearer ' }],
  ];
  const doors: [string, (url: string, headers: Headers, id: string) => Promise<Answer>][] = [
    ['WebSocket', (url, headers) => upgrade(url, headers)],
    ['POST', (url, headers) => post(url, headers, {})],
    ['POST as a stream', (url, headers) => post(url, headers, { stream: true })],
    ['GET', (url, headers, id) => ask(`${url}/responses/${id}`, headers)],
    ['DELETE', (url, headers, id) => ask(`${url}/responses/${id}`, headers, { method: 'DELETE' })],
    ['the models', (url, headers) => ask(`${url}/models`, headers)],
  ];

  it.each(keys)('%s opens no door', async (_name, headers) => {
    await using server = await startTestServer({ flags });
    const id = await storedByA(server.url);
    const answers = await Promise.all(doors.map(([, go]) => go(server.url, headers, id)));
    expect(answers.map(({ status }) => status)).toEqual(doors.map(() => 401));
    const codes = answers.map(({ body }) => (JSON.parse(body) as { error: { code: string } }).error.code);
    expect(codes).toEqual(doors.map(() => 'invalid_api_key'));
    expect(await ask(`${server.url}/responses/${id}`, asA)).toMatchObject({ status: 200 });
  });
});
