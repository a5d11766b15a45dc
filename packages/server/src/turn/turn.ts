/**
 * One response, from an accepted request to its terminal event (ARCHITECTURE.md, "A turn").
 *
 * `openTurn` refuses what can be refused before a response exists: its errors leave as HTTP errors or `error` events.
 * What fails later leaves as `response.failed`.
 */
import {
  createResponse,
  createResponseId,
  errors,
  type CreateRequest,
  type Response,
  type ResponseSettings,
  resolveSettings,
  traceOf,
  type Trace,
} from '@longwire/protocol';
import { contextOf, type OpenNodeItems } from '../chain/context.ts';
import { SentHistory, type KnownHistory } from '../chain/known-history.ts';
import type { Conversations, OpenConversation } from '../chain/conversations.ts';
import { extendTools, type ChainNode } from '../chain/node.ts';
import type { RecentNodes } from '../chain/recent.ts';
import { hasReferences, resolveReferences } from '../chain/stored-items.ts';
import { estimateTokens } from '../chain/tokens.ts';
import { extendOpenCalls, noOpenCalls, requireOutputs } from '../chain/tool-calls.ts';
import { createCompaction, type Compaction } from '../compaction/compaction.ts';
import { bindingOf, openItems } from '../compaction/sealed-items.ts';
import type { Sealer } from '../compaction/sealer.ts';
import type { GenerateRequest } from '../engine/engine.ts';
import type { Route, Router } from '../engine/router.ts';
import type { Log } from '../observe/log.ts';
import type { HistoryOrigin, TurnMeter } from '../observe/turn-meter.ts';
import type { Store } from '../store/store.ts';
import type { KeyedTurns } from './keyed-turns.ts';
import type { PatienceOptions } from './patience.ts';
import { bindRequest, isStored, openConversation, refuseUnsupported } from './request.ts';
import { Truncation } from './truncation.ts';

/** What turns need of the house. */
export interface TurnServices {
  readonly router: Router;
  /** Null when the server stores nothing. */
  readonly store: Store | null;
  readonly recent: RecentNodes;
  /** Null when the server stores nothing. */
  readonly conversations: Conversations | null;
  /** This process among those that share the store. */
  readonly owner: string;
  readonly log: Log;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly patience: PatienceOptions;
  readonly keyed: KeyedTurns;
  /** Null where nobody counts. */
  readonly meter: TurnMeter | null;
  /** Seals and opens what clients keep for us: compactions, reasoning. */
  readonly sealer: Sealer;
  /** Whether every response of a project behaves as `store:false`. */
  readonly zeroRetention: (project: string) => boolean;
}

/** A request whose parent is bound. */
export interface TurnRequest {
  readonly body: CreateRequest;
  readonly parent: ChainNode | null;
  readonly project: string;
  /** Nodes that only the request's connection remembers: a history that it sends again may begin with theirs. */
  readonly held?: Iterable<ChainNode>;
  /** As the headers of an HTTP request told it; on a socket the body may. */
  readonly trace?: Trace | null;
  /** Where the request came from: for the log. */
  readonly via: {
    readonly transport: 'websocket' | 'http';
    readonly connectionId: string | null;
    readonly streamId: string | null;
  };
}

/** A turn that may run: everything that a client can get wrong was checked. */
export interface Turn {
  readonly id: string;
  readonly request: TurnRequest;
  readonly route: Route;
  /** The response as `response.created` carries it. */
  readonly response: Response;
  readonly generation: GenerateRequest<unknown>;
  /** The history that the request brought along in place of a parent; null where it brought none. */
  readonly history: SentHistory | null;
  /** Where the history came from: for the log and the metrics. */
  readonly origin: HistoryOrigin;
  /** Generates in the engine's place where the chain is to be compacted, now or once it is too long. */
  readonly compaction: Compaction | null;
  /** Generates in the engine's place where the oldest items may be left out (`truncation: "auto"`). */
  readonly truncation: Truncation | null;
  /** Whether the response is to be stored. */
  readonly stored: boolean;
  /** Held until the turn is over. */
  readonly conversation: OpenConversation | null;
  /** Who holds the lease of a background response; null for one whose client waits. */
  readonly owner: string | null;
}

/**
 * Takes the request's conversation, where it names one, and checks and prepares the turn. Waits only for what is not in memory: on a warm
 * chain that is nothing. Throws what `openConversation`, `resolveReferences`, `Router.route` and `prepareTurn` throw.
 */
export async function openTurn(services: TurnServices, asked: TurnRequest): Promise<Turn> {
  const { body, project } = asked;
  const conversation = body.conversation ? await openConversation(services, asked) : null;
  try {
    refuseUnsupported(services, asked);
    const { input } = body;
    const items = hasReferences(input) ? await resolveReferences(services.store, project, input) : input;
    const request = bindRequest(services, asked, conversation, items);
    const model = body.model ?? request.parent?.model;
    if (!model) throw errors.missing('model');
    const engine = request.parent?.context?.engine;
    const route = services.router.find(model, engine) ?? (await services.router.route(model, engine));
    return prepareTurn(services, request, route, conversation);
  } catch (thrown) {
    conversation?.close();
    throw thrown;
  }
}

/**
 * Checks the request against its chain and prepares the engine's context: O(new items) on a warm chain.
 * Throws catalogue errors: "No tool call found …", a sealed item that cannot be opened, what the engine refuses.
 */
function prepareTurn(
  services: TurnServices,
  request: TurnRequest,
  route: Route,
  conversation: OpenConversation | null,
): Turn {
  const { body, parent, project } = request;
  const openCalls = extendOpenCalls(parent?.openCalls ?? noOpenCalls, body.input);
  if (body.generate !== false) requireOutputs(openCalls);

  const stored = isStored(services, project, body);
  const status = body.background === true ? 'queued' : 'in_progress';
  const settings: ResponseSettings = resolveSettings(body);
  settings.store = stored;
  const nowMs = services.now();
  const id = createResponseId(nowMs);
  const { sealer } = services;
  const binding = { project, model: route.model.id };
  const opened = openItems(sealer, binding, body.input);
  const before = opened.restarts ? null : parent;
  const open: OpenNodeItems = (node, items) => openItems(sealer, bindingOf(node, binding), items);
  const history = before ? null : SentHistory.of(opened.items);
  const known = history?.find({ nodes: candidates(services, request), engine: route.engine.name, open });
  const origin = originOf(before, route.engine, history, known);
  const prepared = known ? known.context : contextOf(route.engine, before, open);
  const context = route.engine.extend(prepared, known ? opened.items.slice(known.count) : opened.items);
  const tools = extendTools(parent?.tools ?? [], body.input);
  const generation: GenerateRequest<unknown> = {
    context,
    project,
    model: route.model.id,
    preamble: { instructions: body.instructions ?? null, tools: [...(body.tools ?? []), ...tools] },
    settings,
    requested: body,
    responseId: id,
    trace: request.trace ?? traceOf(body),
  };

  const end = { binding, parent: before, input: body.input, openCalls };
  const estimate = () => (before?.tokens ?? 0) + estimateTokens(opened.items);
  const response = createResponse({ id, createdAt: Math.floor(nowMs / 1000), model: route.model.id, settings, status });
  if (opened.removed.length > 0) response.input_transformations = [...opened.removed];
  return {
    id,
    request,
    route,
    response,
    stored,
    generation,
    history,
    origin,
    compaction: createCompaction(
      { sealer, engine: route.engine, generation, end, estimate },
      route.model.contextTokens ?? null,
      openCalls,
    ),
    truncation:
      settings.truncation === 'auto'
        ? new Truncation({ engine: route.engine, generation, parent: before, input: opened.items, open })
        : null,
    conversation,
    owner: body.background === true ? services.owner : null,
  };
}

/** Asked before the engine prepares anything: afterwards every node has its context. */
function originOf(
  before: ChainNode | null,
  engine: Route['engine'],
  history: SentHistory | null,
  known: KnownHistory | null | undefined,
): HistoryOrigin {
  if (before) {
    if (!before.context) return 'store';
    return before.context.engine === engine.name ? 'memory' : 'rebuilt';
  }
  return known ? 'matched' : history ? 'sent' : 'none';
}

/** What a history that was sent in full may be found in: never another project's, never what another connection holds alone. */
function* candidates({ recent }: TurnServices, { project, held = [] }: TurnRequest): Generator<ChainNode> {
  yield* held;
  yield* recent.of(project);
}
