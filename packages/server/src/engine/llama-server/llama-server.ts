/**
 * The engine in front of llama.cpp's llama-server: each chain is held on a slot of its own, so that the server evaluates the delta only
 * (engines dossier 4).
 */
import { basename } from 'node:path';
import type { Engine } from '../engine.ts';
import type { TokenContext } from '../token-chain/context.ts';
import { createTokenServerEngine } from '../token-server/token-server.ts';
import type { TokenServerOptions } from '../token-server/token-server.ts';
import { findServer } from './runtime.ts';

/** An engine for one llama-server. No connection is opened before the first question. Throws a `TypeError` for a base URL that is none. */
export function createLlamaServerEngine(options: TokenServerOptions): Engine<TokenContext> {
  return createTokenServerEngine(
    { modelsPath: '/models', toModelName, find: (calls, known) => findServer(calls, known, options) },
    options,
  );
}

/** The server's name for its model is its path, unless it was given an alias. */
function toModelName(id: string): string {
  return id.endsWith('.gguf') ? basename(id, '.gguf') : id;
}
