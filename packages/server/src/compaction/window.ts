/** The window of `POST /v1/responses/compact`: what a client sends in place of its history (dossier H.1). */
import { createItemId, errors, type Item, type Response, type Usage } from '@longwire/protocol';
import type { Sealer } from './sealer.ts';
import { openCompaction } from './sealed-items.ts';

/** The answer of the endpoint. Not a response: nothing can be continued from it by id. */
export interface CompactedWindow {
  readonly id: string;
  readonly object: 'response.compaction';
  /** Unix seconds. */
  readonly created_at: number;
  /** The kept messages, then the one compaction item. */
  readonly output: readonly Item[];
  /** Of the summary. */
  readonly usage: Usage | null;
}

/** The window that a completed compaction amounts to. Its messages stand inside the item too, for clients that drop them. */
export function toWindow(sealer: Sealer, project: string, response: Response): CompactedWindow {
  const { id, created_at, model, output, usage } = response;
  const item = output.find((each) => each.type === 'compaction');
  if (item?.type !== 'compaction') throw errors.serverError(new Error('A compaction made no compaction item.'));
  const { kept } = openCompaction(sealer, { project, model }, item, 'output');
  const messages = kept.map((message): Item => toOutputMessage(message, id, created_at));
  return { id, object: 'response.compaction', created_at, output: [...messages, item], usage };
}

/** With the id, status and parts that every item of an output has. */
function toOutputMessage(message: Item, responseId: string, createdAt: number): Item {
  if (message.type !== 'message') return message;
  const { id, content } = message;
  const parts = typeof content === 'string' ? [{ type: 'input_text' as const, text: content }] : content;
  return {
    ...message,
    id: id ?? createItemId('msg', responseId, createdAt * 1000),
    status: 'completed',
    content: parts,
  };
}
