/** The paths of the OpenAPI document (dossier L.1; PROTOCOL.md, "HTTP"). */
import { type DocumentedSchema, refTo } from './openapi-schemas.ts';
import { Includable } from './settings.ts';

type Method = 'get' | 'post' | 'delete';

interface Endpoint {
  readonly method: Method;
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /** Name of the body's schema. */
  readonly body?: string;
  readonly bodyIsOptional?: true;
  /** Name of the answer's schema. */
  readonly answer: string;
  /** Whether the answer may be a stream of events. */
  readonly streams?: true;
  readonly query?: readonly Parameter[];
  /** Stands outside of `/v1`, and wants no key. */
  readonly isOpen?: true;
}

interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: DocumentedSchema;
}

const include: Parameter = {
  name: 'include[]',
  description: 'What is left out unless it is asked for.',
  schema: { type: 'array', items: Includable },
};

const page: readonly Parameter[] = [
  { name: 'after', description: 'The id that the page comes after.', schema: { type: 'string' } },
  {
    name: 'limit',
    description: 'Items of a page.',
    schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
  },
  { name: 'order', description: 'By age.', schema: { type: 'string', enum: ['asc', 'desc'], default: 'desc' } },
  include,
];

const replay: readonly Parameter[] = [
  include,
  { name: 'stream', description: 'Events in place of the response.', schema: { type: 'boolean', default: false } },
  {
    name: 'starting_after',
    description: 'The sequence_number that the stream goes on after.',
    schema: { type: 'integer', minimum: 0 },
  },
  { name: 'include_obfuscation', description: 'Padding of deltas.', schema: { type: 'boolean', default: true } },
];

const endpoints: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/responses',
    id: 'createResponse',
    summary: 'Make a response; with an upgrade to WebSocket, many on one connection.',
    body: 'CreateResponse',
    answer: 'Response',
    streams: true,
  },
  {
    method: 'get',
    path: '/responses/{response_id}',
    id: 'getResponse',
    summary: 'A stored response, or the events of one that runs in the background.',
    answer: 'Response',
    streams: true,
    query: replay,
  },
  {
    method: 'delete',
    path: '/responses/{response_id}',
    id: 'deleteResponse',
    summary: 'Delete a stored response.',
    answer: 'DeletedResponse',
  },
  {
    method: 'post',
    path: '/responses/{response_id}/cancel',
    id: 'cancelResponse',
    summary: 'Stop a response that runs in the background.',
    answer: 'Response',
  },
  {
    method: 'get',
    path: '/responses/{response_id}/input_items',
    id: 'listInputItems',
    summary: 'What the model saw before it answered.',
    answer: 'ItemList',
    query: page,
  },
  {
    method: 'post',
    path: '/responses/input_tokens',
    id: 'countInputTokens',
    summary: 'What a create would count as its input.',
    body: 'CreateResponse',
    answer: 'InputTokens',
  },
  {
    method: 'post',
    path: '/responses/compact',
    id: 'compactResponse',
    summary: 'A history in, a shorter one out.',
    body: 'CreateResponse',
    answer: 'CompactedWindow',
  },
  {
    method: 'post',
    path: '/conversations',
    id: 'createConversation',
    summary: 'Make a conversation.',
    body: 'CreateConversation',
    bodyIsOptional: true,
    answer: 'Conversation',
  },
  {
    method: 'get',
    path: '/conversations/{conversation_id}',
    id: 'getConversation',
    summary: 'A conversation, without its items.',
    answer: 'Conversation',
  },
  {
    method: 'post',
    path: '/conversations/{conversation_id}',
    id: 'updateConversation',
    summary: 'Replace the metadata of a conversation.',
    body: 'UpdateConversation',
    answer: 'Conversation',
  },
  {
    method: 'delete',
    path: '/conversations/{conversation_id}',
    id: 'deleteConversation',
    summary: 'Delete a conversation.',
    answer: 'DeletedConversation',
  },
  {
    method: 'get',
    path: '/conversations/{conversation_id}/items',
    id: 'listConversationItems',
    summary: 'The items of a conversation.',
    answer: 'ItemList',
    query: page,
  },
  {
    method: 'post',
    path: '/conversations/{conversation_id}/items',
    id: 'createConversationItems',
    summary: 'Add items to a conversation.',
    body: 'CreateConversationItems',
    answer: 'ItemList',
    query: [include],
  },
  {
    method: 'get',
    path: '/conversations/{conversation_id}/items/{item_id}',
    id: 'getConversationItem',
    summary: 'One item of a conversation.',
    answer: 'Item',
    query: [include],
  },
  {
    method: 'delete',
    path: '/conversations/{conversation_id}/items/{item_id}',
    id: 'deleteConversationItem',
    summary: 'Take an item out of a conversation.',
    answer: 'Conversation',
  },
  {
    method: 'get',
    path: '/models',
    id: 'listModels',
    summary: 'What can be asked for as `model`: in the form of OpenAI, and in that of Codex.',
    answer: 'ModelList',
  },
  { method: 'get', path: '/models/{model}', id: 'getModel', summary: 'One of them.', answer: 'Model' },
  { method: 'get', path: '/healthz', id: 'getHealth', summary: 'The process lives.', answer: 'Health', isOpen: true },
  {
    method: 'get',
    path: '/readyz',
    id: 'getReadiness',
    summary: 'New turns are taken; 503 while draining, and while no engine answers.',
    answer: 'Health',
    isOpen: true,
  },
];

/** Every path with its operations. */
export function documentedPaths(): Record<string, Partial<Record<Method, object>>> {
  const paths: Record<string, Partial<Record<Method, object>>> = {};
  for (const endpoint of endpoints) {
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method]: toOperation(endpoint) };
  }
  return paths;
}

function toOperation({
  id,
  summary,
  path,
  body,
  bodyIsOptional,
  answer,
  streams,
  isOpen,
  query = [],
}: Endpoint): object {
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const parameters = [...named, ...query.map((parameter) => ({ ...parameter, in: 'query', required: false }))];
  return {
    operationId: id,
    summary,
    ...(isOpen && { servers: [{ url: '/' }], security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: !bodyIsOptional, content: json(body) } }),
    responses: {
      200: {
        description: 'What was asked for.',
        content: { ...json(answer), ...(streams && { 'text/event-stream': { schema: refTo('StreamEvent') } }) },
      },
      default: { description: 'An error of the catalogue (PROTOCOL.md, "Errors").', content: json('Error') },
    },
  };
}

function json(name: string): Record<string, object> {
  return { 'application/json': { schema: refTo(name) } };
}
