/** How a session reaches the server: one socket, or a resumable connection whose sockets break again and again. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Input } from './inputs.ts';
import type { Random } from './random.ts';

/** Who is told what comes. */
export interface Listener {
  readonly onFrame: (json: string, isBinary: boolean) => void;
  readonly onClose: (code: number) => void;
}

/** Takes messages to the server. */
export interface Wire {
  /** Whether it can carry the input. */
  readonly carries: (input: Input) => boolean;
  readonly send: (input: Input) => void;
  readonly close: () => void;
}

const optionsOf = (headers: Record<string, string>) => ({ perMessageDeflate: false, headers });

/** One socket. */
export async function openPlainWire(url: string, listener: Listener): Promise<Wire> {
  const socket = new WebSocket(url, optionsOf({}));
  socket.on('message', (data: Buffer, isBinary) => listener.onFrame(data.toString(), isBinary));
  socket.on('close', listener.onClose);
  socket.on('error', () => {});
  await once(socket, 'open');
  return {
    carries: () => true,
    send: (input) => socket.send(input),
    close: () => {
      socket.removeAllListeners('close');
      socket.terminate();
    },
  };
}

/** One message out of so many is followed by a cut. */
const messagesPerCut = 60;
const ordinal = /,"longwire_seq":(\d+)\}$/;

interface Hello {
  readonly token: string;
  readonly resumed: boolean;
  readonly received: number;
}

/** A resumable connection (PROTOCOL.md 11.1). Carries what is a JSON object: only that can have an ordinal. */
export async function openBrittleWire(url: string, listener: Listener, random: Random): Promise<Wire> {
  const sent: string[] = [];
  let received = 0;
  let socket: WebSocket | null = null;

  async function connect(as: string): Promise<void> {
    const next = new WebSocket(url, optionsOf({ 'longwire-resume': as }));
    const greeted = Promise.withResolvers<void>();
    let hello: Hello | null = null;
    next.on('error', () => {});
    next.on('close', (code: number) => {
      if (socket === next || !hello) listener.onClose(code);
    });
    next.on('message', (data: Buffer, isBinary) => {
      if (hello) return take(data.toString(), isBinary);
      hello = JSON.parse(data.toString()) as Hello;
      if (as !== 'new' && !hello.resumed) listener.onClose(0);
      socket = next;
      for (const text of sent.slice(hello.received)) next.send(text);
      greeted.resolve();
    });
    await greeted.promise;

    function take(json: string, isBinary: boolean): void {
      if (socket !== next) return;
      if (Number(ordinal.exec(json)?.[1]) !== received + 1) return listener.onClose(0);
      received++;
      listener.onFrame(json.replace(ordinal, '}'), isBinary);
      if (random.once(20)) next.send(JSON.stringify({ type: 'longwire:ack', received }));
      if (random.once(messagesPerCut)) cut();
    }

    function cut(): void {
      socket = null;
      next.terminate();
      void connect(`${hello?.token}:${received}`);
    }
  }

  await connect('new');
  return {
    carries: isObject,
    send: (input) => {
      const text = String(input).trimStart().slice(1).trimStart();
      const frame = `{"longwire_seq":${sent.length + 1}${text.startsWith('}') ? '' : ','}${text}`;
      sent.push(frame);
      socket?.send(frame);
    },
    close: () => {
      const last = socket;
      socket = null;
      last?.close(1000);
    },
  };
}

function isObject(input: Input): boolean {
  if (typeof input !== 'string') return false;
  try {
    const value: unknown = JSON.parse(input);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
