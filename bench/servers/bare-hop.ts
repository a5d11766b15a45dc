/**
 * The floor of a turn with an engine: a `ws` server that passes each frame to the engine over node:http and what comes back to the client,
 * one frame an event, parsed and named as Responses events are, corked per read. It checks nothing and remembers the number of the turn.
 *
 * Argument: the URL of the scripted engine.
 */
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { announce } from './announce.ts';

interface SessionLine {
  readonly type: string;
  readonly delta?: string;
}

const engine = process.argv[2] ?? '';
const agent = new Agent({ keepAlive: true });
const server = createServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

server.on('upgrade', (request, stream, head) => {
  sockets.handleUpgrade(request, stream, head, (socket) => {
    let turn = 0;
    socket.on('message', (data: Buffer) => {
      const { model, input } = JSON.parse(data.toString()) as { model: string; input: unknown };
      const body = JSON.stringify({ model: model.replace('@session', ''), turn: turn++, input });
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = httpRequest(`${engine}/v1/session`, { method: 'POST', agent, headers }, (reply) => {
        pass(reply, socket, turn).catch(() => socket.terminate());
      });
      sent.on('error', () => socket.terminate());
      sent.end(body);
    });
  });
});

async function pass(reply: IncomingMessage, socket: WebSocket, turn: number): Promise<void> {
  let rest = '';
  let sequence = 0;
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    const stream = (socket as unknown as { _socket: { cork(): void; uncork(): void } })._socket;
    stream.cork();
    for (const line of lines) socket.send(toEvent(JSON.parse(line) as SessionLine, turn, sequence++));
    stream.uncork();
  }
}

function toEvent({ type, delta = '' }: SessionLine, turn: number, sequence: number): string {
  if (type === 'end') {
    const response = { id: `resp_bare${turn}`, object: 'response', status: 'completed', output: [] };
    return JSON.stringify({ type: 'response.completed', response, sequence_number: sequence });
  }
  const place = '"item_id":"msg_0000000000000000000000000000","output_index":0,"content_index":0';
  return `{"type":"response.output_text.delta",${place},"delta":${JSON.stringify(delta)},"logprobs":[],"sequence_number":${sequence}}`;
}

announce(server);
