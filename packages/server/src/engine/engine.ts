/**
 * The engine contract: extend a prepared context by items, generate from it, let it go.
 *
 * A context is what an engine keeps of a chain up to a point: encoded bytes, token ids, a KV sequence, an upstream id.
 * Contexts are immutable to the caller and share their parent's work: `extend` costs O(new items), never O(history).
 * Two contexts with one parent are a fork.
 */
import type {
  Annotation,
  CreateRequest,
  Item,
  MessagePhase,
  OutputItem,
  ResponseSettings,
  Tool,
  Trace,
} from '@longwire/protocol';
import type { EngineReading } from '../observe/snapshot.ts';

/** A model that an engine serves. */
export interface EngineModel {
  /** The name that clients send as `model`. */
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly ownedBy: string;
  /** Tokens of context, where the engine knows. */
  readonly contextTokens?: number;
  /** One line for people: the banner and `/v1/models` show it. */
  readonly description?: string;
}

/**
 * What stands in front of the history and comes with every request: a changed preamble leaves the chain's contexts valid,
 * and the engine decides what it must redo (`cachedTokens` tells the client).
 */
export interface Preamble {
  readonly instructions: string | null;
  /** The request's tools, then those that the chain brought in (`additional_tools`, `tool_search_output`). */
  readonly tools: readonly Tool[];
}

/** One generation. */
export interface GenerateRequest<Context> {
  readonly context: Context;
  /** Whose conversation this is. What was evaluated for one project is never used for another: it would show in `cachedTokens`. */
  readonly project: string;
  /** One of the engine's own `models()`. */
  readonly model: string;
  readonly preamble: Preamble;
  /** Sampling, tool choice, output format…: resolved, as the response echoes them. Wire names. */
  readonly settings: ResponseSettings;
  /** The request as the client sent it: tells a setting left out, where the engine's own default holds, from a set one. */
  readonly requested: CreateRequest;
  /** The response that this generation makes: for logs and for affinity headers, never sent as content. */
  readonly responseId: string;
  /** The trace that the request belongs to, for upstreams that may know it. */
  readonly trace?: Trace | null;
  /** Set where the text is not the client's answer but the summary of a compaction. A model needs not care. */
  readonly purpose?: 'summary';
}

/** Tokens of one generation. */
export interface EngineUsage {
  /** The whole logical context, preamble included. */
  readonly inputTokens: number;
  /** Of those, how many the engine did not have to evaluate again. Truthful or 0. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of the output, how many were reasoning. */
  readonly reasoningTokens: number;
}

/** Log probability of one output token, wire shape. */
export interface TokenLogprob {
  readonly token: string;
  readonly bytes: number[];
  readonly logprob: number;
  readonly top_logprobs: { token: string; bytes: number[]; logprob: number }[];
}

/**
 * What a model produced, without ids, indexes and brackets: the sequencer adds those.
 * A delta of another kind closes the open item by itself; `item.end` closes it explicitly (two messages in a row).
 */
export type EngineEvent =
  /** Opens a message whose phase is known; the first text opens any other. */
  | { readonly type: 'message.start'; readonly phase: MessagePhase }
  | { readonly type: 'text.delta'; readonly delta: string; readonly logprobs?: readonly TokenLogprob[] }
  /** A source of the text that was told last. */
  | { readonly type: 'annotation'; readonly annotation: Annotation }
  | { readonly type: 'refusal.delta'; readonly delta: string }
  /** The model's own reasoning, in full. */
  | { readonly type: 'reasoning.delta'; readonly delta: string }
  | { readonly type: 'reasoning_summary.delta'; readonly delta: string }
  /** The summary goes on with another part. */
  | { readonly type: 'reasoning_summary.next' }
  /** Opens a tool call; its arguments (or input, of a custom tool) follow as `call.delta`. One call at a time. */
  | {
      readonly type: 'call.start';
      readonly kind: 'function' | 'custom';
      readonly name: string;
      readonly namespace?: string;
      /** The engine's own id for the call; the sequencer makes one where it is missing. */
      readonly callId?: string;
    }
  | { readonly type: 'call.delta'; readonly delta: string }
  /** A whole item that has no inner events. Its `id` may be left empty. */
  | { readonly type: 'item'; readonly item: OutputItem }
  /** Opens a compaction item (dossier H.2); `compaction.end` brings what it seals and closes it. */
  | { readonly type: 'compaction.start' }
  /** More of the summary was written. */
  | { readonly type: 'compaction.progress' }
  | { readonly type: 'compaction.end'; readonly sealed: string }
  | { readonly type: 'item.end' }
  /** Always the last event, exactly once. */
  | {
      readonly type: 'end';
      readonly reason: 'stop' | 'max_output_tokens' | 'content_filter';
      readonly usage: EngineUsage;
    };

/** Why a generation ended. */
export type EndReason = Extract<EngineEvent, { type: 'end' }>['reason'];

/**
 * The reason of an abort that only ends the generation early (a steer, a cancel): somebody still reads the turn. An engine
 * that has counted its tokens may then yield a last `end` in place of throwing.
 */
export class Interruption extends Error {
  constructor() {
    super('The generation was interrupted.');
    this.name = 'Interruption';
  }
}

/** What answers. `Context` is the engine's own affair. */
export interface Engine<Context = unknown> {
  /** Unique in the process; keys the contexts that nodes keep. */
  readonly name: string;

  /** The models it serves now. Throws a catalogue error (`engine_unavailable`) when it cannot tell. */
  models(): Promise<readonly EngineModel[]>;

  /** The context of `parent` plus `items`. O(items); the parent stays valid. Throws a catalogue error for items it cannot carry. */
  extend(parent: Context | null, items: readonly Item[]): Context;

  /**
   * Runs the model. Yields one batch per read of the underlying engine, so that a batch becomes one write to the client.
   * Ends with an `end` event, or throws: a catalogue error, or anything else, which becomes `server_error`.
   * An abort ends the generation within 50 ms; the iterator then throws the signal's reason or returns early.
   */
  generate(request: GenerateRequest<Context>, signal: AbortSignal): AsyncIterable<readonly EngineEvent[]>;

  /**
   * Makes a generation from this context start warm (`generate:false`, dossier G). Answers with the tokens of the context as soon as it is
   * known how many of them were warm; evaluation may go on in the background. Engines without state leave it out.
   */
  warm?(request: GenerateRequest<Context>, signal: AbortSignal): Promise<EngineUsage>;

  /**
   * Tokens of the prompt that `generate` would evaluate, by the engine's own tokenizer: what its `inputTokens` would say.
   * O(new items). Throws what `generate` throws for a prompt. Engines that cannot count leave it out.
   */
  count?(request: GenerateRequest<Context>, signal: AbortSignal): Promise<number>;

  /**
   * The bytes in which this context holds the words of the chain and `since`, an ancestor's context, does not; null for all of them.
   * They never change: the chain keeps its own copy of the same words as what differs from them. O(pieces). Engines that hold no
   * text leave it out.
   */
  text?(context: Context, since: Context | null): readonly Uint8Array[];

  /** What an operator may ask at any time: O(its replicas and sequences), nothing upstream is asked. Engines without either leave it out. */
  reading?(): EngineReading;

  /** A hint that nobody is expected to go on from this context. Going on all the same is correct, only colder. */
  release(context: Context): void;

  close(): Promise<void>;
}
