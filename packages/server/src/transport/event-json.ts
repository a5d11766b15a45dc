/** Events as JSON. */
import type { KnownEvent } from '@longwire/protocol';

/** The JSON of an event, with the lane's `stream_id` where it has one (dossier C.1, 1). */
export function encodeEvent(event: KnownEvent, streamId: string | null): string {
  const json = encodeDelta(event) ?? JSON.stringify(event);
  // A stream id is made of letters, digits, '_', '-' and '.': it needs no escaping.
  return streamId === null ? json : `${json.slice(0, -1)},"stream_id":"${streamId}"}`;
}

/**
 * Text deltas, most of what a server sends, without asking what they are made of: 0.37 against 0.55 µs an event. Ids and
 * padding are our own letters and digits; only the delta needs escaping.
 */
function encodeDelta(event: KnownEvent): string | null {
  if (event.type !== 'response.output_text.delta' || event.logprobs.length > 0) return null;
  const { item_id, output_index, content_index, delta, sequence_number } = event;
  const { obfuscation } = event as { obfuscation?: string };
  const padding = obfuscation === undefined ? '' : `,"obfuscation":"${obfuscation}"`;
  return `{"type":"response.output_text.delta","item_id":"${item_id}","output_index":${output_index},"content_index":${content_index},"delta":${JSON.stringify(delta)},"logprobs":[]${padding},"sequence_number":${sequence_number}}`;
}
