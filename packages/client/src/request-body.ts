/** A request as it goes over the wire (dossier B.1). */
import type { CreateBody } from '@longwire/protocol';
import { joinJson, toJsonItems } from './chain-memory.ts';

/** A request as the application writes it; the lane adds what makes it a continuation. */
export interface LaneRequest extends Omit<CreateBody, 'stream' | 'background'> {
  /** Only the new items: the lane has the others. */
  readonly input?: CreateBody['input'];
  /** Left out: the lane's newest response. Null: a new chain. An id of another lane: a fork of it. */
  readonly previous_response_id?: string | null;
  /** False unless given: the chain then lives on the connection and in this client alone. */
  readonly store?: boolean | null;
}

/** Everything about a request that is not the application's. */
export interface Envelope {
  readonly kind: 'socket' | 'http';
  /** Left out where lanes have sockets of their own. */
  readonly streamId: string | null;
  readonly key: string | null;
  /** Undefined: the field is left out. */
  readonly previousResponseId: string | null | undefined;
  /** JSON of items that go in front of the request's input. */
  readonly itemsBefore: string;
}

const keyField = 'longwire_idempotency_key';

/** The text of a frame or body. History is joined in as it was kept, and never parsed. */
export function encodeRequest(request: LaneRequest, envelope: Envelope): string {
  const { previous_response_id: _, input, ...body } = request;
  const { kind, streamId, key, previousResponseId, itemsBefore } = envelope;
  const head = JSON.stringify({
    ...(kind === 'socket' ? { type: 'response.create' } : { stream: true }),
    ...(streamId !== null && { stream_id: streamId }),
    store: false,
    ...body,
    ...(key !== null && { client_metadata: { ...body.client_metadata, [keyField]: key } }),
    ...(previousResponseId !== undefined && { previous_response_id: previousResponseId }),
  });
  if (itemsBefore === '') return input === undefined ? head : `${head.slice(0, -1)},"input":${JSON.stringify(input)}}`;
  return `${head.slice(0, -1)},"input":[${joinJson(itemsBefore, toJsonItems(input))}]}`;
}

/** Names a request so that the server knows it again. */
export function createKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `lw_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
