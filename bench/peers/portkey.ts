/** Portkey's open-source gateway: passes the Responses API on to whom the headers of a call name. */
import type { Peer } from './peer.ts';

export const portkey: Peer = {
  name: 'portkey',
  title: 'Portkey gateway',
  package: {
    name: '@portkey-ai/gateway',
    version: '1.15.2',
    // With those from 1.14 on it answers every stream with "Something went wrong": its issue 1389.
    overrides: { '@hono/node-server': '1.13.8' },
  },
  wire: 'responses',
  modes: ['http-full'],
  does: 'passes the Responses API on, event by event, and waits 25 ms behind the first one; knows no items, stores nothing, no WebSocket',
  launch: ({ engine, port }) => ({
    // Headless leaves out its log page, which would keep every request.
    argv: ['node_modules/@portkey-ai/gateway/build/start-server.js', `--port=${port}`, '--headless'],
    readyPath: '/',
    basePath: '/v1',
    headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': engine },
  }),
};
