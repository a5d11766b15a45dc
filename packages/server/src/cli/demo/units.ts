/** Figures as people read them. */

export function toSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function toMs(ms: number): string {
  return `${ms.toFixed(0)} ms`;
}

/** In decimal units, as networks count. */
export function toBytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
