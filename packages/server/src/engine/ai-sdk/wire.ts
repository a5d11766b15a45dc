/**
 * What this engine uses of the Vercel AI SDK's provider specification v4, typed by its shape: providers are the user's to install,
 * and none of their types are needed here. What is written is exact; what is read is all optional.
 */

/** Values by provider and name, which only the provider understands: signatures, cache marks. */
export type ProviderOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type FileData = { readonly type: 'data'; readonly data: string } | { readonly type: 'url'; readonly url: URL };

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  readonly providerOptions?: ProviderOptions;
}

export interface FilePart {
  readonly type: 'file';
  readonly data: FileData;
  readonly mediaType: string;
  readonly filename?: string;
}

export interface ReasoningPart {
  readonly type: 'reasoning';
  readonly text: string;
  readonly providerOptions?: ProviderOptions;
}

export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
  readonly providerExecuted?: boolean;
  readonly providerOptions?: ProviderOptions;
}

export interface ToolResultPart {
  readonly type: 'tool-result';
  readonly toolCallId: string;
  readonly toolName: string;
  readonly output:
    | { readonly type: 'text'; readonly value: string }
    | { readonly type: 'json'; readonly value: unknown };
  readonly providerOptions?: ProviderOptions;
}

export type AssistantPart = TextPart | ReasoningPart | ToolCallPart | ToolResultPart;

/** One message of a prompt. */
export type ModelMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: readonly (TextPart | FilePart)[] }
  | { readonly role: 'assistant'; readonly content: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly content: readonly ToolResultPart[] };

export interface ModelTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: unknown;
  readonly strict?: boolean;
}

/** What one call is made with. */
export interface CallOptions {
  readonly prompt: readonly ModelMessage[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly reasoning?: string;
  readonly responseFormat?: {
    readonly type: 'json';
    readonly schema?: unknown;
    readonly name?: string;
    readonly description?: string;
  };
  readonly tools?: readonly ModelTool[];
  readonly toolChoice?:
    | { readonly type: 'auto' | 'none' | 'required' }
    | { readonly type: 'tool'; readonly toolName: string };
  readonly providerOptions?: Readonly<Record<string, unknown>>;
  readonly abortSignal: AbortSignal;
}

/** One part of the stream that a call answers with. */
export interface StreamPart {
  readonly type: string;
  readonly id?: string;
  readonly delta?: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly input?: string;
  readonly result?: unknown;
  readonly providerExecuted?: boolean;
  readonly providerMetadata?: ProviderOptions;
  readonly usage?: ModelUsage;
  readonly finishReason?: { readonly unified?: string };
  readonly error?: unknown;
}

export interface ModelUsage {
  readonly inputTokens?: {
    readonly total?: number;
    readonly noCache?: number;
    readonly cacheRead?: number;
    readonly cacheWrite?: number;
  };
  readonly outputTokens?: { readonly total?: number; readonly text?: number; readonly reasoning?: number };
}

/** A model of a provider. */
export interface LanguageModel {
  readonly specificationVersion: string;
  doStream(options: CallOptions): PromiseLike<{ readonly stream: ReadableStream<StreamPart> }>;
}
