/** opencodex: a proxy for Codex and Claude Code, on Bun. Translates the Responses API to chat completions, on HTTP and on WebSockets. */
import type { Peer } from './peer.ts';

const provider = 'bench';

export const opencodex: Peer = {
  name: 'opencodex',
  title: 'opencodex',
  package: { name: '@bitkyc08/opencodex', version: '2.63.0' },
  wire: 'chat',
  modes: ['http-full', 'http-previous', 'ws-codex'],
  does: 'translates to chat completions; keeps chains with store:true over HTTP; on WebSockets it gives responses no ids, so that nothing can be continued there',
  launch: ({ home, engine, port, models }) => ({
    argv: ['node_modules/@bitkyc08/opencodex/bin/ocx.mjs', 'start', '--port', String(port)],
    env: { OPENCODEX_HOME: `${home}/opencodex`, CODEX_HOME: `${home}/codex` },
    files: {
      'codex/config.toml': '',
      'opencodex/config.json': JSON.stringify({
        port,
        websockets: true,
        defaultProvider: provider,
        providers: {
          [provider]: {
            adapter: 'openai-chat',
            baseUrl: engine,
            apiKey: 'bench',
            authMode: 'key',
            allowPrivateNetwork: true,
            defaultModel: models[0],
            models,
            liveModels: false,
          },
        },
      }),
    },
    readyPath: '/healthz',
    basePath: '/v1',
    toModel: (model) => `${provider}/${model}`,
  }),
};
