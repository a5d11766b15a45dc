/**
 * The floor of a turn without an engine: a bare `ws` server. A text frame is parsed and echoed; a frame `{"frames":n,"text":"…"}` is answered
 * with n ready frames of that text in one corked write, which is the least that sending n events with `ws` can cost.
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { announce } from './announce.ts';

const server = createServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on('upgrade', (request, stream, head) => {
  sockets.handleUpgrade(request, stream, head, (socket) => {
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      const { frames, text: frame } = JSON.parse(text) as { frames?: number; text?: string };
      if (frames === undefined) return socket.send(frame ?? text);
      stream.cork();
      for (let sent = 0; sent < frames; sent++) socket.send(frame ?? '');
      stream.uncork();
    });
  });
});
announce(server);
