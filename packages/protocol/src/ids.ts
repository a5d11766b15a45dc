/** Resource ids in the form of the real service: prefix, 16 random hex, `00`, 8 hex Unix seconds, 24 random hex (dossier C.4). */

const poolBytes = 4096;
const pool = new Uint8Array(poolBytes);
let used = poolBytes;

/** One call to the generator serves many ids: a call of its own for each costs more than the id. */
function randomByte(): number {
  if (used === poolBytes) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return pool[used++] as number;
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function randomHex(bytes: number): string {
  let hex = '';
  for (let i = 0; i < bytes; i++) hex += hexOf[randomByte()];
  return hex;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** `length` characters of `[A-Za-z0-9]` from the system's random source. */
export function randomAlphanumeric(length: number): string {
  let text = '';
  while (text.length < length) {
    const byte = randomByte();
    // 248 is the largest multiple of 62 in a byte: bytes above it would favour the first letters.
    if (byte < 248) text += alphabet[byte % 62];
  }
  return text;
}

/** A new response id. `nowMs` is Unix time in milliseconds. */
export function createResponseId(nowMs: number): string {
  return `resp_${randomHex(8)}00${seconds(nowMs)}${randomHex(12)}`;
}

/** A new id of an item of `responseId`: it shares the first 18 hex digits, as in the recordings. */
export function createItemId(prefix: string, responseId: string, nowMs: number): string {
  const shared = responseId.slice(5, 23);
  return `${prefix}_${shared.length === 18 ? shared : `${randomHex(8)}00`}${seconds(nowMs)}${randomHex(12)}`;
}

/** A new `call_id`. */
export function createCallId(): string {
  return `call_${randomAlphanumeric(24)}`;
}

/** A new id with 32 random hex digits, such as `steer_…` or `req_…`. */
export function createId(prefix: string): string {
  return `${prefix}_${randomHex(16)}`;
}

function seconds(nowMs: number): string {
  return Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(8, '0');
}
