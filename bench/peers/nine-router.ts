/** 9router: a Next.js application. Translates the Responses API to what a provider speaks, and keeps its providers in a database. */
import type { Peer } from './peer.ts';

const prefix = 'bench';
/** Of its own page, on loopback, in a database that goes with the run. */
const password = 'bench-only';

export const nineRouter: Peer = {
  name: '9router',
  title: '9router',
  package: { name: '9router', version: '0.5.69' },
  wire: 'chat',
  modes: ['http-full'],
  does: 'translates to chat completions and records usage in SQLite; no stored responses, no WebSocket',
  launch: ({ home, engine, port }) => ({
    // The server as the command around it starts it: that one first ends every process named 9router or next-server.
    argv: ['--dns-result-order=ipv4first', 'node_modules/9router/app/custom-server.js'],
    env: { PORT: String(port), HOSTNAME: '127.0.0.1', DATA_DIR: `${home}/.9router`, INITIAL_PASSWORD: password },
    readyPath: '/api/health',
    basePath: '/v1',
    toModel: (model) => `${prefix}/${model}`,
    async configure(url) {
      const login = await post(`${url}/api/auth/login`, { password });
      const cookie = login.headers
        .getSetCookie()
        .map((each) => each.split(';', 1)[0])
        .join('; ');
      const node = { name: prefix, prefix, apiType: 'chat', baseUrl: engine, type: 'openai-compatible' };
      const made = (await (await post(`${url}/api/provider-nodes`, node, cookie)).json()) as { node: { id: string } };
      await post(`${url}/api/providers`, { provider: made.node.id, name: prefix, apiKey: 'bench' }, cookie);
      const { key } = (await (await post(`${url}/api/keys`, { name: prefix }, cookie)).json()) as { key: string };
      return { authorization: `Bearer ${key}` };
    },
  }),
};

async function post(url: string, body: object, cookie = ''): Promise<Response> {
  const headers = { 'content-type': 'application/json', cookie };
  const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!reply.ok)
    throw new Error(`${new URL(url).pathname} answered ${reply.status}: ${(await reply.text()).slice(0, 200)}`);
  return reply;
}
