/** What the platform can do, found out by looking: Node, Bun, Deno, workers and pages. */
import type { WebSocketFactory } from './socket.ts';

/** Whether sockets can be given headers: everywhere but in pages and their workers. */
export const canSetSocketHeaders = !('document' in globalThis || 'WorkerGlobalScope' in globalThis);

/** What `fetch` and `WebSocket` take besides the standard so that they go through a proxy; empty where nothing is needed. */
export type ProxyInit = { readonly dispatcher?: object };

interface NodeHttp {
  setGlobalProxyFromEnv?(env: Record<string, string>): () => void;
}

interface NodeProcess {
  readonly env: Record<string, string | undefined>;
  getBuiltinModule?(name: string): unknown;
}

const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
const globalDispatcher = Symbol.for('undici.globalDispatcher.1');

/**
 * Node's own proxy support, for our requests alone: Node makes its dispatcher from these variables only as a global one, so it
 * is made, taken and put back. Bun and Deno honour the variables themselves; pages have the browser's settings.
 */
export function createProxyInit(): ProxyInit {
  const node = 'process' in globalThis ? (globalThis.process as unknown as NodeProcess) : null;
  if (!node?.getBuiltinModule) return {};
  const env: Record<string, string> = {};
  for (const name of proxyVariables) {
    const value = node.env[name];
    if (value) env[name] = value;
  }
  if (!Object.keys(env).some((name) => /^https?_proxy$/i.test(name))) return {};
  const http = node.getBuiltinModule('node:http') as NodeHttp | undefined;
  const restore = http?.setGlobalProxyFromEnv?.(env);
  const dispatcher = (globalThis as unknown as Record<symbol, object | undefined>)[globalDispatcher];
  restore?.();
  return restore && dispatcher ? { dispatcher } : {};
}

/** The platform's `WebSocket`. `hasKeyInSubprotocol`: where it takes no headers. */
export function createWebSocketFactory(proxy: ProxyInit, hasKeyInSubprotocol: boolean): WebSocketFactory {
  return (url, { headers }) => {
    if (hasKeyInSubprotocol && !canSetSocketHeaders) return new WebSocket(url, toSubprotocols(headers));
    const isBare = Object.keys(headers).length === 0 && proxy.dispatcher === undefined;
    return isBare
      ? new WebSocket(url)
      : new WebSocket(url, { headers, ...proxy } as ConstructorParameters<typeof WebSocket>[1]);
  };
}

/** The key as OpenAI takes it of pages, behind a name that the server can answer with. */
function toSubprotocols(headers: Readonly<Record<string, string>>): string[] {
  const key = /^bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1];
  return key === undefined ? [] : ['responses', `openai-insecure-api-key.${key}`];
}
