/** A chat-completions server inside the test: answers what the test says, and keeps what it was asked. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  /** The body as it came. */
  readonly body: string;
  /** Resolves when the connection of the request has closed before its answer was whole. */
  readonly aborted: Promise<void>;
  /** The connection, told apart from others. */
  readonly port: number;
}

export type Answer = (response: http.ServerResponse, asked: Asked) => void;

export interface ChatServer {
  readonly baseUrl: string;
  readonly asked: readonly Asked[];
  /** What POST /chat/completions is answered with from now on. */
  answer: Answer;
  /** What GET /models is answered with from now on. */
  answerModels: Answer;
  close(): Promise<void>;
}

/** Answers with a stream of these chunks, ended by `[DONE]`. */
export function stream(...chunks: readonly unknown[]): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    response.end('data: [DONE]\n\n');
  };
}

/** A stream that says `text`. */
export function say(text: string): Answer {
  return stream(
    { choices: [{ index: 0, delta: { content: text } }] },
    { choices: [{ delta: {}, finish_reason: 'stop' }] },
  );
}

/** Answers with JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

export async function startChatServer(): Promise<ChatServer> {
  const asked: Asked[] = [];
  const state = {
    answer: say('Hello.'),
    answerModels: json(200, { object: 'list', data: [{ id: 'm', created: 1, owned_by: 'me', max_model_len: 4096 }] }),
  };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const aborted = new Promise<void>((resolve) => {
        response.on('close', () => {
          if (!response.writableFinished) resolve();
        });
      });
      const { method = '', url: path = '', headers, socket } = request;
      const one = {
        method,
        path,
        headers,
        body: Buffer.concat(chunks).toString(),
        aborted,
        port: socket.remotePort ?? 0,
      };
      asked.push(one);
      (path.endsWith('/models') ? state.answerModels : state.answer)(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
