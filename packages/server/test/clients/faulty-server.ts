/** A real server behind the fault proxy: for clients that must live with a line that breaks. */
import { startTestServer } from '../harness.ts';
import type { Setup } from '../harness.ts';
import { FaultProxy } from './fault-proxy.ts';
import type { Break, FaultPlan, SeenEvent } from './fault-proxy.ts';

/** What a client connects to. */
export interface FaultyServer extends AsyncDisposable {
  /** Base URL of the API. */
  readonly url: string;
  readonly proxy: FaultProxy;
}

/** Starts both; closed at the end of the scope (`await using`). */
export async function startFaultyServer(setup: Setup = {}, plan: FaultPlan = {}): Promise<FaultyServer> {
  const server = await startTestServer(setup);
  const proxy = await FaultProxy.start(server.url, plan);
  return {
    url: proxy.baseUrl,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

/** The line breaks once, at the first text of an answer. */
export function breakInMidTurn(how: Break): FaultPlan {
  return { faults: [{ at: ({ type }: SeenEvent) => type === 'response.output_text.delta', how, times: 1 }] };
}

/** How the line breaks for clients that do not care which code it was. */
export const breaks: readonly Break[] = [1000, 1011, 1012, 'reset'];
