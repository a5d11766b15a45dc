/** The HTTP part of a WebSocket, as text: what the client asks goes on with another host, what the server answers goes back as it is. */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';

/** The request as it goes to the server. `isReadable` leaves out the offer to compress. */
export function upgradeHead(
  { method = 'GET', url = '/', rawHeaders }: IncomingMessage,
  host: string,
  isReadable: boolean,
) {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const lower = name.toLowerCase();
    if (isReadable && lower === 'sec-websocket-extensions') continue;
    lines.push(`${name}: ${lower === 'host' ? host : value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** An answer without a body. */
export function refusalHead(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
}

const headEnd = Buffer.from('\r\n\r\n');

/** Collects a server's answer to an upgrade. */
export class UpgradeAnswer {
  #bytes: Buffer = Buffer.alloc(0);
  #end = -1;

  /** Null while the head is not whole; then the bytes that follow it, which are no part of it. */
  push(bytes: Buffer): Buffer | null {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const at = this.#bytes.indexOf(headEnd);
    if (at === -1) return null;
    this.#end = at + headEnd.length;
    return this.#bytes.subarray(this.#end);
  }

  /** With the empty line at its end. */
  get head(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  /** 0 for what is no HTTP. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.head.toString('latin1'))?.[1] ?? 0);
  }
}
