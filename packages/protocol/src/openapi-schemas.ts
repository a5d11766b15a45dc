/** The schemas of the OpenAPI document: those that requests and events are checked by, each under a name. */
import { CreateSettings } from './client-events.ts';
import { Conversation, ConversationBody, ConversationItemsBody, ConversationUpdate } from './conversation.ts';
import { InputMessage } from './items/message.ts';
import { itemSchemas } from './items/registry.ts';
import { Response } from './response.ts';
import { AnyObject, extend, type JsonSchema, Type } from './schema.ts';
import { NestedErrorEvent } from './server-events/error.ts';
import { eventSchemas } from './server-events.ts';
import { toolSchemas } from './tools/registry.ts';

/** A JSON Schema, references included. */
export type DocumentedSchema = Readonly<Record<string, unknown>> | JsonSchema;

/** A reference to a schema of the document. */
export function refTo(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** All of them, by name. */
export function documentedSchemas(): Record<string, DocumentedSchema> {
  const items = namesOf(Object.entries(itemSchemas), 'Item');
  const tools = namesOf(Object.entries(toolSchemas), 'Tool');
  const events = namesOf([...eventSchemas], 'Event');
  return {
    CreateResponse: withFields(extend(CreateSettings, { stream: Type.Maybe(Type.Boolean()) }), {
      input: { anyOf: [Type.String(), listOf('InputItem')] },
      tools: listOf('Tool'),
    }),
    Response: withFields(Response, { output: listOf('Item'), tools: listOf('Tool') }),
    InputItem: { anyOf: [refTo('Item'), refTo('EasyMessage')] },
    EasyMessage: InputMessage,
    Item: anyOf(items.keys()),
    Tool: anyOf(tools.keys()),
    StreamEvent: anyOf([...events.keys(), 'ErrorEvent']),
    ErrorEvent: NestedErrorEvent,
    Conversation,
    CreateConversation: withFields(ConversationBody, { items: listOf('InputItem') }),
    UpdateConversation: ConversationUpdate,
    CreateConversationItems: withFields(ConversationItemsBody, { items: listOf('InputItem') }),
    ItemList: withFields(ItemList, { data: listOf('Item') }),
    DeletedResponse: deletionOf('response'),
    DeletedConversation: deletionOf('conversation.deleted'),
    InputTokens,
    CompactedWindow: withFields(CompactedWindow, { output: listOf('Item') }),
    Model,
    ModelList: withFields(ModelList, { data: listOf('Model') }),
    Health,
    Error: ErrorResponse,
    ...Object.fromEntries([...items, ...tools]),
    ...Object.fromEntries([...events].map(([name, schema]) => [name, withResponse(schema)])),
  };
}

const ErrorResponse = Type.Object({
  error: Type.Object({
    type: Type.String(),
    code: Type.Nullable(Type.String()),
    message: Type.String(),
    param: Type.Nullable(Type.String()),
  }),
});

const ItemList = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(Type.Unknown()),
  first_id: Type.Nullable(Type.String()),
  last_id: Type.Nullable(Type.String()),
  has_more: Type.Boolean(),
});

const InputTokens = Type.Object({ object: Type.Literal('response.input_tokens'), input_tokens: Type.Integer() });

const Model = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer(),
  owned_by: Type.String(),
  description: Type.Optional(Type.String()),
  context_window: Type.Optional(Type.Integer()),
});

/** `models` is the list in Codex's words. */
const ModelList = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(Type.Unknown()),
  models: Type.Array(AnyObject),
});

const Health = Type.Object({ status: Type.String(), models: Type.Optional(Type.Integer()) });

const CompactedWindow = Type.Object({
  object: Type.Literal('response.compaction'),
  output: Type.Array(Type.Unknown()),
});

function deletionOf(object: string): DocumentedSchema {
  return Type.Object({ id: Type.String(), object: Type.Literal(object), deleted: Type.Boolean() });
}

function listOf(name: string): DocumentedSchema {
  return { type: 'array', items: refTo(name) };
}

function anyOf(names: Iterable<string>): DocumentedSchema {
  return { anyOf: [...names].map(refTo) };
}

/** The schema with some fields told in full: what is checked piece by piece is loose in the schema of the whole. */
function withFields(schema: JsonSchema, fields: Readonly<Record<string, DocumentedSchema>>): DocumentedSchema {
  return { ...schema, properties: { ...schema.properties, ...fields } };
}

/** Clients check no more of an event's response than its id; servers send it whole. */
function withResponse(schema: JsonSchema): DocumentedSchema {
  return schema.properties?.['response'] ? withFields(schema, { response: refTo('Response') }) : schema;
}

/** `function_call` as `FunctionCallItem`, `response.output_item.added` as `OutputItemAddedEvent`; sorted, so that drift shows. */
function namesOf(schemas: readonly (readonly [string, JsonSchema])[], suffix: string): Map<string, JsonSchema> {
  const named = schemas.map(([type, schema]): [string, JsonSchema] => [`${toName(type)}${suffix}`, schema]);
  return new Map(named.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function toName(type: string): string {
  // An event of a whole response keeps its first word: there are other things that complete.
  const words = type.split(/[._]/);
  const own = words[0] === 'response' && type.split('.').length > 2 ? words.slice(1) : words;
  return own.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
