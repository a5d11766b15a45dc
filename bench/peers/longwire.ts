/** Longwire as its users start it, in front of the same engine: once over each wire that a peer needs. */
import type { Peer, PeerWire } from './peer.ts';

/** It validates every item, stores what asks for it, and keeps the chain of a socket. */
export function createLongwire(wire: PeerWire): Peer {
  return {
    name: `longwire-${wire}`,
    title: 'Longwire',
    package: null,
    wire,
    modes: ['ws-codex', 'http-previous', 'http-full'],
    does: 'checks every new item, keeps the chain of a socket, stores what asks for it',
    launch: ({ home, engine, port }) => ({
      argv: [
        'packages/server/bin/longwire.mjs',
        'serve',
        `--port=${port}`,
        `--data=${home}/data`,
        '--log-level=warn',
        `--upstream=${wire === 'chat' ? engine : `responses+${engine}`}`,
      ],
      readyPath: '/v1/models',
      basePath: '/v1',
    }),
  };
}
