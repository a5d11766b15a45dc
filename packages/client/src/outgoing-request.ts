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

/** A request and how it says what it continues. Encoded twice without a change between, it is the same request. */
export class OutgoingRequest {
  readonly #request: LaneRequest;
  readonly #ground: Ground;
  #key: string | null = null;
  #previousResponseId: string | null | undefined = undefined;
  /** JSON of items that go in front of the request's input. */
  #itemsBefore = '';

  constructor(request: LaneRequest, ground: Ground) {
    this.#request = request;
    this.#ground = ground;
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
  continueById(carrier: Carrier): void {
    const { parent, steered } = this.#ground;
    this.#previousResponseId = parent?.id;
    this.#itemsBefore = steered !== null && steered.carrier !== carrier.id ? steered.json : '';
  }

  /** It brings its whole chain. False where that is not remembered whole. */
  async continueByHistory(memory: ChainMemory): Promise<boolean> {
    const { parent, steered } = this.#ground;
    const history = parent === null ? '' : await memory.read(parent);
    if (history === null) return false;
    this.#previousResponseId = null;
    this.#itemsBefore = joinJson(history, steered?.json ?? '');
    return true;
  }

  /** The text of a frame or body. History is joined in as it was kept, and never parsed. */
  encode({ kind, hasLanes }: Carrier, lane: string | null): string {
    const { previous_response_id: _, input, ...body } = this.#request;
    const head = JSON.stringify({
      ...(kind === 'socket' ? { type: 'response.create' } : { stream: true }),
      ...(hasLanes && lane !== null && { stream_id: lane }),
      store: false,
      ...body,
      ...(this.#key !== null && { client_metadata: { ...body.client_metadata, [keyField]: this.#key } }),
      ...(this.#previousResponseId !== undefined && { previous_response_id: this.#previousResponseId }),
    });
    if (this.#itemsBefore !== '') return withInput(head, `[${joinJson(this.#itemsBefore, toJsonItems(input))}]`);
    return input === undefined ? head : withInput(head, JSON.stringify(input));
  }
}

function withInput(head: string, input: string): string {
  return `${head.slice(0, -1)},"input":${input}}`;
}

/** Names a request so that the server knows it again. */
function createKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `lw_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
