/** The same hostility over HTTP, and bytes that are no WebSocket at all. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { WireChecker } from '../packages/server/test/contract/wire.ts';
import { requireSdkResponse } from '../packages/server/test/contract/sdk-shapes.ts';
import { requireDiscreetText } from './discretion.ts';
import type { Random } from './random.ts';

const patienceMs = 30_000;

/** Posts a body and checks what comes back: a response, a stream, or an error of the client. */
export async function firePost(url: string, body: string): Promise<void> {
  const response = await fetch(`${url}/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(patienceMs),
  });
  const text = await response.text();
  if (response.status >= 500) throw new Error(`HTTP ${response.status}: ${text}`);
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) return checkStream(text);
  const answer = JSON.parse(text) as { error?: { message: string } };
  if (response.ok) return requireSdkResponse(answer);
  if (typeof answer.error?.message !== 'string') throw new Error(`HTTP ${response.status} without an error: ${text}`);
  requireDiscreetText(answer.error.message);
}

function checkStream(text: string): void {
  const checker = new WireChecker();
  const data = text.split('\n').flatMap((line) => (line.startsWith('data: ') ? line.slice('data: '.length) : []));
  if (data.pop() !== '[DONE]') throw new Error('A stream without an end.');
  for (const json of data) checker.accept(json);
  if (checker.openLanes.length > 0) throw new Error('A stream without a terminal event.');
}

/** Upgrades, and then speaks noise. The server may close the socket as it likes, and has to live. */
export async function fireNoise(url: string, random: Random): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('The server left a broken socket open.')));
  socket.write(
    `GET /v1/responses HTTP/1.1\r\nhost: ${hostname}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  socket.resume();
  socket.end(random.bytes(1 + random.below(300)));
  await closed;
}
