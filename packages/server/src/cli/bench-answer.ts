/** What a replaying client looks for in the bytes that come back. */
import type { OutputItem, Response } from '@longwire/protocol';

const deltaMark = '.delta"';
/** The type of an event stands at its beginning in every known server; obfuscation and the rest come later. */
const typeBytes = 80;

/** Whether a frame, or one event of a stream, carries a piece of output. */
export function isDelta(head: string): boolean {
  return head.slice(0, typeBytes).includes(deltaMark);
}

/** The event as an object if it ends a turn. Only heads that may be one are parsed. */
export function parseTerminal(frame: string): { response: Response } | null {
  const head = frame.slice(0, typeBytes);
  if (/"type"\s*:\s*"error"/.test(head)) throw new Error(`The server answered with ${frame.slice(0, 400)}`);
  if (!/"type"\s*:\s*"response\.(completed|incomplete|failed)"/.test(head)) return null;
  const event = JSON.parse(frame) as { type: string; response: Response };
  if (event.type === 'response.failed') {
    throw new Error(`The response failed: ${event.response.error?.message ?? 'no reason given'}`);
  }
  return event;
}

/** The output of a stream's end, or its items as they came where the end leaves them out: some servers do. `frames` are the events. */
export function toOutput({ output }: Response, frames: readonly string[]): readonly OutputItem[] {
  const told: readonly OutputItem[] | undefined = output;
  if (told !== undefined) return told;
  const done = frames.filter((frame) => frame.slice(0, typeBytes).includes('response.output_item.done"'));
  return done.map((frame) => (JSON.parse(frame) as { item: OutputItem }).item);
}

/** The output as the next request of a full history repeats it: without ids that the server may not have stored. */
export function toReplay(output: readonly OutputItem[]): OutputItem[] {
  return output.map((item) => {
    const { id: _id, ...rest } = item as OutputItem & { id?: string };
    return rest as OutputItem;
  });
}
