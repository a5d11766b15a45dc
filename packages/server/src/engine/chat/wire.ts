/** The vocabulary of chat: messages, functions and their calls, as every model knows them that does not know items. */

/** A tool call inside an assistant message. `arguments` is always the JSON text of an object. */
export interface ChatToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A piece of a user message that is more than text. */
export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string; readonly detail?: string } }
  | { readonly type: 'file'; readonly file: { readonly file_data: string; readonly filename?: string } };

/** One element of `messages`. The assistant's reasoning stands under the name that the upstream reads. */
export type ChatMessage =
  | { readonly role: 'system' | 'developer'; readonly content: string }
  | { readonly role: 'user'; readonly content: string | readonly ChatPart[] }
  | {
      readonly role: 'assistant';
      readonly content: string | null;
      readonly reasoning_content?: string;
      readonly reasoning?: string;
      readonly tool_calls?: readonly ChatToolCall[];
    }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

/** The definition inside a tool. */
export interface ChatFunction {
  readonly name: string;
  readonly description?: string;
  readonly parameters: unknown;
  readonly strict?: boolean;
}

/** One element of `tools`. */
export interface ChatTool {
  readonly type: 'function';
  readonly function: ChatFunction;
}
