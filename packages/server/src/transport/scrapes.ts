/** `GET /metrics` on an address of its own, never on that of the API: it asks for no key (docs/decisions/0021). */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a scrape is answered with. */
export interface ScrapeAnswer {
  readonly contentType: string;
  readonly text: string;
}

/** A listener for scrapes. */
export interface Scrapes {
  /** Such as `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Scrapers are few. */
const maxConnections = 32;
const requestTimeoutMs = 10_000;

/** Listens. Rejects with a sentence that names the option where the address cannot be had. */
export async function listenForScrapes(
  { host, port }: { readonly host: string; readonly port: number },
  answer: () => Promise<ScrapeAnswer>,
  onError: (error: unknown) => void,
): Promise<Scrapes> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    request.resume();
    if (request.url?.split('?', 1)[0] !== '/metrics') return refuse(response, 404, 'Only /metrics is here.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return refuse(response, 405, 'Only GET works here.\n');
    }
    answer().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error: unknown) => {
        onError(error);
        refuse(response, 500, 'The metrics could not be read.\n');
      },
    );
  });
  server.maxConnections = maxConnections;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new Error(`--metrics-address ${written(host)}:${port} cannot be listened on: ${reasonOf(cause)}.`, { cause });
  }
  // It ends with the process, and keeps none alive.
  server.unref();
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${written(host)}:${taken}/metrics`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}

function written(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
