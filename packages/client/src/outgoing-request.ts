/** A request as it goes over the wire, once or again (dossier B.1, K). */
import type { CreateBody } from '@longwire/protocol';
import type { Carrier } from './carrier.ts';
import { joinJson, toJsonItems } from './chain-memory.ts';
import type { ChainMemory, ChainNode } from './chain-memory.ts';

/** A request as the application writes it; the lane adds what makes it a continuation. */
export interface LaneRequest extends Omit<CreateBody, 'stream' | 'background'> {
  /** Only the new items: the lane has the others. */
  readonly input?: CreateBody['input'];
  /** Left out: the lane's newest response. Null: a new chain. An id of another lane: a fork of it. */
  readonly previous_response_id?: string | null;
  /** False unless given: the chain then lives on the connection and in this client alone. */
  readonly store?: boolean | null;
}

/** What a turn goes on from. */
export interface Ground {
  /** Null where it begins a chain. */
  readonly parent: ChainNode | null;
  /** JSON of accepted steers that belong in front of its input; the server puts them there on this carrier. */
  readonly steered: { readonly json: string; readonly carrier: number } | null;
}

const keyField = 'longwire_idempotency_key';

/**
 * A request and how it says what it continues. It is written once, so that what goes out again is the same request whatever the
 * application has done with its own objects since.
 */
export class OutgoingRequest {
  /** JSON of the fields that stay as they were given. */
  readonly #settings: string;
  readonly #metadata: string;
  /** JSON of the input as it was given; null for none. */
  readonly #input: string | null;
  /** JSON of the input's items, without brackets. */
  readonly items: string;
  #key: string | null = null;
  #previousResponseId: string | null | undefined = undefined;
  /** JSON of items that go in front of the request's input. */
  #itemsBefore = '';

  /** Throws what `JSON.stringify` throws, such as for a cycle. */
  constructor(request: LaneRequest) {
    const { previous_response_id: _, input, client_metadata: metadata, store = false, ...settings } = request;
    this.#settings = JSON.stringify({ store, ...settings });
    this.#metadata = JSON.stringify(metadata ?? {});
    this.#input = input === undefined ? null : JSON.stringify(input);
    this.items = Array.isArray(input) && this.#input !== null ? this.#input.slice(1, -1) : toJsonItems(input);
  }

  /** Whether a server that honours keys would know it again. */
  get hasKey(): boolean {
    return this.#key !== null;
  }

  /** As it was sent; undefined where it said nothing. */
  get previousResponseId(): string | null | undefined {
    return this.#previousResponseId;
  }

  /** Makes it another request: one that was refused has used up its key. */
  renew(carrier: Carrier): void {
    this.#key = carrier.keys === 'ignored' ? null : createKey();
  }

  /** It names its parent, which the server has. */
  continueById({ parent, steered }: Ground, carrier: Carrier): void {
    this.#previousResponseId = parent?.id;
    this.#itemsBefore = steered !== null && steered.carrier !== carrier.id ? steered.json : '';
  }

  /** It brings its whole chain. False where that is not remembered whole. */
  async continueByHistory({ parent, steered }: Ground, memory: ChainMemory): Promise<boolean> {
    const history = parent === null ? '' : await memory.read(parent);
    if (history === null) return false;
    this.#previousResponseId = null;
    this.#itemsBefore = joinJson(history, steered?.json ?? '');
    return true;
  }

  /** The text of a frame or body. History is joined in as it was kept, and never parsed. */
  encode({ kind, hasLanes }: Carrier, lane: string | null): string {
    const head = JSON.stringify({
      ...(kind === 'socket' ? { type: 'response.create' } : { stream: true }),
      ...(hasLanes && lane !== null && { stream_id: lane }),
      previous_response_id: this.#previousResponseId,
    });
    const key = this.#key === null ? '{}' : JSON.stringify({ [keyField]: this.#key });
    const metadata = joinObjects(this.#metadata, key);
    const input = this.#itemsBefore === '' ? this.#input : `[${joinJson(this.#itemsBefore, this.items)}]`;
    return joinObjects(
      head,
      this.#settings,
      metadata === '{}' ? '{}' : `{"client_metadata":${metadata}}`,
      input === null ? '{}' : `{"input":${input}}`,
    );
  }
}

/** One object with the fields of all, as JSON. */
function joinObjects(...objects: readonly string[]): string {
  return `{${joinJson(...objects.map((object) => object.slice(1, -1)))}}`;
}

/** Names a request so that the server knows it again. */
function createKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `lw_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
