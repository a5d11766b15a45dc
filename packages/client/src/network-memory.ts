/** Where WebSockets do not open: a firewall or a proxy that breaks one upgrade breaks the next one too. */

/** Remembers origins, such as `https://api.example`, at which sockets do not open on this network. */
export interface NetworkMemory {
  hasNoSockets(origin: string): boolean;
  setNoSockets(origin: string): void;
}

const forgetAfterMs = 10 * 60_000;

/** Remembers for ten minutes, and until the network changes where the platform tells: laptops move on. */
export function createNetworkMemory(nowMs: () => number = () => performance.now()): NetworkMemory {
  const seenAtMs = new Map<string, number>();
  if ('addEventListener' in globalThis) {
    (globalThis as unknown as EventTarget).addEventListener('online', () => seenAtMs.clear());
  }
  return {
    hasNoSockets(origin) {
      const at = seenAtMs.get(origin);
      return at !== undefined && nowMs() - at < forgetAfterMs;
    },
    setNoSockets: (origin) => void seenAtMs.set(origin, nowMs()),
  };
}

/** What this process knows. */
export const processMemory = createNetworkMemory();
