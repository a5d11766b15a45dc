/** What is known of hosts that speak Responses over WebSocket (dossier N). Options win over it. */

/** What an upstream is taken to be where nothing else was said. */
export interface Vendor {
  /** Age at which we leave a socket, some minutes before the vendor ends it. Milliseconds. */
  readonly lifetimeMs: number;
  /** Lanes of one socket; null: the first turn finds out. */
  readonly lanes: number | null;
}

const minute = 60_000;
const unknownVendor: Vendor = { lifetimeMs: 55 * minute, lanes: null };

const vendors: readonly (readonly [host: RegExp, vendor: Vendor])[] = [
  [/^api\.openai\.com$/, { lifetimeMs: 55 * minute, lanes: 32 }],
  [/\.openai\.azure\.com$|\.ai\.azure\.com$/, { lifetimeMs: 55 * minute, lanes: 1 }],
  [/^api\.x\.ai$/, { lifetimeMs: 23 * minute, lanes: 1 }],
  [/^ai-gateway\.vercel\.sh$/, { lifetimeMs: 11 * minute, lanes: 1 }],
];

/** The vendor behind a base URL. */
export function vendorOf(baseUrl: string): Vendor {
  const { hostname } = new URL(baseUrl);
  return vendors.find(([host]) => host.test(hostname))?.[1] ?? unknownVendor;
}
