/** How late deltas come that carry the nanosecond of their writing (`CLOCK_MONOTONIC`, one for all processes of a machine). */
import { once } from 'node:events';
import { WebSocket } from 'ws';

const digits = /"delta":"(\d+) /;

/** Opens that many sockets, streams one answer on each, and returns every delta's microseconds on the way. */
export async function readStamps(url: string, model: string, streams: number): Promise<number[]> {
  const all = await Promise.all(Array.from({ length: streams }, () => readStream(url, model)));
  return all.flat();
}

async function readStream(url: string, model: string): Promise<number[]> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/responses`, { perMessageDeflate: false });
  await once(socket, 'open');
  const lateUs: number[] = [];
  const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Go.' }] }];
  const stream_options = { include_obfuscation: false };
  const ended = new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const now = process.hrtime.bigint();
      const text = data.toString('latin1');
      const stamp = digits.exec(text)?.[1];
      if (stamp !== undefined) lateUs.push(Number(now - BigInt(stamp)) / 1000);
      else if (text.startsWith('{"type":"response.completed"')) resolve();
      else if (/^\{"type":"(error|response\.failed)"/.test(text)) reject(new Error(text.slice(0, 300)));
    });
    socket.once('close', () => reject(new Error('The socket closed in the middle of a stream.')));
  });
  socket.send(JSON.stringify({ type: 'response.create', model, store: false, stream_options, input }));
  await ended;
  socket.terminate();
  return lateUs;
}
