/** Recorded frames: of the real service (`recordings/`) and of real clients (`captures/`). */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

type Json = Record<string, unknown>;

/** One exchange with the real service: what the client sent, and every event up to the terminal one. */
export interface Exchange {
  readonly name: string;
  readonly sent: Json;
  readonly received: readonly Json[];
}

/** All recorded exchanges; a recording may hold several turns. */
export function readExchanges(): Exchange[] {
  const folder = new URL('recordings/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  return files.flatMap((file) => {
    const { interactions } = parse(readFileSync(new URL(file, folder), 'utf8')) as {
      interactions: { direction: 'sent' | 'received'; data: Json }[];
    };
    const exchanges: { name: string; sent: Json; received: Json[] }[] = [];
    for (const { direction, data } of interactions) {
      if (direction === 'sent') exchanges.push({ name: `${file} ${exchanges.length + 1}`, sent: data, received: [] });
      else exchanges.at(-1)?.received.push(data);
    }
    return exchanges;
  });
}

/** What one client and its server said. */
export interface Capture {
  readonly name: string;
  readonly sent: readonly Json[];
  readonly received: readonly Json[];
}

export function readCaptures(): Capture[] {
  const folder = new URL('captures/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.jsonl'));
  return files.map((name) => {
    const lines = readFileSync(new URL(name, folder), 'utf8').trim().split('\n');
    const frames = lines.map((line) => JSON.parse(line) as { in?: Json; out?: Json });
    return {
      name,
      sent: repairTools(frames.flatMap((frame) => (frame.in ? [frame.in] : []))),
      received: frames.flatMap((frame) => (frame.out ? [frame.out] : [])),
    };
  });
}

/** Puts back the tools where a capture says only that they are the same as before. */
function repairTools(bodies: readonly Json[]): Json[] {
  let last: unknown;
  return bodies.map((body) => {
    if (typeof body['tools'] === 'string') return { ...body, tools: last };
    last = body['tools'] ?? last;
    return body;
  });
}
