/**
 * The official SDK's types against ours, checked by `tsc`: what a client of the SDK can write is accepted by our types, and what we
 * send is what the SDK expects.
 */
import type { BetaResponseOutputItem, BetaResponsesServerEvent } from 'openai/resources/beta/responses/responses';
import type {
  Response as SdkResponse,
  ResponseInputItem,
  ResponseOutputItem,
  ResponsesClientEvent,
  ResponsesServerEvent,
  ResponseSteerEvent as SdkSteerEvent,
  Tool as SdkTool,
} from 'openai/resources/responses/responses';
import type {
  EchoedTool,
  InputItem,
  Item,
  KnownEvent,
  KnownItem,
  KnownTool,
  OpaqueItem,
  OpaqueTool,
  OutputItem,
  Response,
  ResponseCreateEvent,
  ResponseSteerEvent,
  Tool,
  Usage,
} from '../../src/index.ts';

type Expect<T extends true> = T;
/** Members of `A` that fit into no member of `B`. Expected to be none; the compiler names those that there are. */
type Misfits<A, B> = A extends B ? never : A;
type None<T> = [T] extends [never] ? true : T;
/** Fields of `A` that do not fit into those of `B`. */
type MisfitFields<A, B> = { [K in keyof A & keyof B]: A[K] extends B[K] ? never : K }[keyof A & keyof B];
type Difference<A, B> = Exclude<A, B> | Exclude<B, A>;
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

// --- What clients write ---

type SdkCreate = ResponsesClientEvent.ResponseCreate;
/** Tools and items are held to the SDK's one by one, below. */
export type CreatesAreAccepted = Expect<None<Exclude<MisfitFields<SdkCreate, ResponseCreateEvent>, 'tools' | 'input'>>>;
export type CreatesAreKnown = Expect<None<Exclude<keyof SdkCreate, keyof ResponseCreateEvent>>>;
export type SteersAreAccepted = Expect<None<Misfits<SdkSteerEvent, ResponseSteerEvent>>>;
export type InputItemsAreAccepted = Expect<
  None<Misfits<Without<ResponseInputItem, 'tools'>, Without<InputItem, 'tools'>>>
>;
/** The SDK leaves `parameters` of a namespace's functions open; we want an object there too. */
export type ToolsAreAccepted = Expect<None<Misfits<Exclude<SdkTool, { type: 'namespace' }>, Tool>>>;

// --- What we send ---

/** Null on the wire where the SDK says missing, wider where we echo what a client wrote, or held to the SDK's below. */
type SentOtherwise = 'user' | 'usage' | 'error' | 'prompt' | 'tools' | 'output';
export type ResponsesFit = Expect<None<Exclude<MisfitFields<Response, SdkResponse>, SentOtherwise>>>;
/** Added by the SDK itself. */
type NeverSent = 'output_text';
type RequiredKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T];
export type ResponsesAreWhole = Expect<None<Exclude<RequiredKeys<SdkResponse>, keyof Response | NeverSent>>>;
/** `cache_write_tokens` is missing in what was recorded. */
export type UsageFits = Expect<
  None<Exclude<MisfitFields<Usage, NonNullable<SdkResponse['usage']>>, 'input_tokens_details'>>
>;
/** These give back what a client wrote, with the liberties that clients may take. */
type EchoType = 'function_call_output' | 'custom_tool_call_output' | 'tool_search_output' | 'additional_tools';
type EchoItem = Extract<OutputItem, { type: EchoType }>;
export type OutputItemsFit = Expect<None<Misfits<Exclude<OutputItem, OpaqueItem | EchoItem>, ResponseOutputItem>>>;
export type EchoItemsFit = Expect<
  None<Misfits<Without<EchoItem, 'output' | 'tools'>, Without<ResponseOutputItem, 'output' | 'tools'>>>
>;
export type EchoedToolsFit = Expect<None<Misfits<Exclude<EchoedTool, OpaqueTool>, SdkTool>>>;

type InjectEvent = 'response.inject.created' | 'response.inject.failed';
/** Of no GA type, sent by real services all the same. */
type ExtraEvent = 'keepalive' | InjectEvent;
/** Whole responses and items are held to the SDK's above; a failed steer gives back what the client wrote. */
type Frame<E> = Without<E, 'response' | 'item' | 'steer'>;
export type EventsFit = Expect<
  None<Misfits<Frame<Exclude<KnownEvent, { type: ExtraEvent }>>, Frame<ResponsesServerEvent>>>
>;
export type InjectEventsExist = Expect<None<Misfits<InjectEvent, BetaResponsesServerEvent['type']>>>;

// --- Nothing forgotten, nothing made up ---

export type SameEventTypes = Expect<
  None<Difference<Exclude<KnownEvent['type'], ExtraEvent>, ResponsesServerEvent['type']>>
>;
type BetaItem = 'agent_message' | 'multi_agent_call' | 'multi_agent_call_output';
export type SameItemTypes = Expect<
  None<Difference<Exclude<KnownItem['type'], BetaItem>, NonNullable<ResponseInputItem['type']>>>
>;
export type BetaItemsExist = Expect<None<Misfits<BetaItem, BetaResponseOutputItem['type']>>>;
export type SameToolTypes = Expect<None<Difference<KnownTool['type'], SdkTool['type']>>>;
export type SameOutputTypes = Expect<
  None<Difference<Exclude<OutputItem, OpaqueItem>['type'], ResponseOutputItem['type']>>
>;

// --- Our own unions ---

/** What a response makes can stand in the history of the next one. */
export type OutputIsHistory = Expect<None<Misfits<OutputItem, Item>>>;
export type EchoedToolsAreTools = Expect<None<Misfits<EchoedTool, Tool>>>;

/** Comparing `type` with a known name leaves the known member, opaque ones notwithstanding. */
export function narrows(item: Item): string {
  return item.type === 'function_call' ? item.arguments : '';
}
