/**
 * The floor: a bare `ws` server in a process of its own. A text frame is echoed; a frame `{"frames":n,"text":"…"}` is answered with n ready
 * frames of that text in one corked write, which is the least that sending n events can cost.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on('upgrade', (request, stream, head) => {
  sockets.handleUpgrade(request, stream, head, (socket) => {
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (!text.startsWith('{"frames"')) {
        socket.send(text);
        return;
      }
      const { frames, text: frame } = JSON.parse(text) as { frames: number; text: string };
      stream.cork();
      for (let sent = 0; sent < frames; sent++) socket.send(frame);
      stream.uncork();
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
