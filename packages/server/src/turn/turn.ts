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
} from '@longwire/protocol';
import { contextOf } from '../chain/context.ts';
import { extendTools, type ChainNode } from '../chain/node.ts';
import type { RecentNodes } from '../chain/recent.ts';
import { extendOpenCalls, noOpenCalls, requireOutputs } from '../chain/tool-calls.ts';
import type { GenerateRequest } from '../engine/engine.ts';
import type { Route, Router } from '../engine/router.ts';
import type { Log } from '../observe/log.ts';
import type { Store } from '../store/store.ts';
import type { PatienceOptions } from './patience.ts';

/** What turns need of the house. */
export interface TurnServices {
  readonly router: Router;
  /** Null when the server stores nothing. */
  readonly store: Store | null;
  readonly recent: RecentNodes;
  readonly log: Log;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly patience: PatienceOptions;
  /** Zero retention: every response behaves as `store:false`. */
  readonly zeroRetention: boolean;
}

/** A request whose parent is bound. */
export interface TurnRequest {
  readonly body: CreateRequest;
  readonly parent: ChainNode | null;
  readonly project: string;
  /** Where the request came from: for the log. */
  readonly via: { readonly transport: 'websocket' | 'http'; readonly streamId: string | null };
}

/** A turn that may run: everything that a client can get wrong was checked. */
export interface Turn {
  readonly id: string;
  readonly request: TurnRequest;
  readonly route: Route;
  /** The response as `response.created` carries it. */
  readonly response: Response;
  readonly generation: GenerateRequest<unknown>;
  /** Whether the response is to be stored. */
  readonly stored: boolean;
}

/**
 * Checks the request against its chain and prepares the engine's context: O(new items) on a warm chain.
 * Throws catalogue errors: `model_not_found`, `missing_required_parameter`, "No tool call found …", what the engine refuses.
 */
export async function openTurn(services: TurnServices, request: TurnRequest): Promise<Turn> {
  const { body, parent } = request;
  const modelName = body.model ?? parent?.model;
  if (!modelName) throw errors.missing('model');
  const route = await services.router.route(modelName);

  const openCalls = extendOpenCalls(parent?.openCalls ?? noOpenCalls, body.input);
  if (body.generate !== false) requireOutputs(openCalls);

  const stored = services.store !== null && !services.zeroRetention && body.store !== false;
  const settings: ResponseSettings = { ...resolveSettings(body), store: stored };
  const nowMs = services.now();
  const id = createResponseId(nowMs);
  const context = route.engine.extend(contextOf(route.engine, parent), body.input);
  const tools = extendTools(parent?.tools ?? [], body.input);
  return {
    id,
    request,
    route,
    response: createResponse({ id, createdAt: Math.floor(nowMs / 1000), model: route.model.id, settings }),
    stored,
    generation: {
      context,
      model: route.model.id,
      preamble: { instructions: body.instructions ?? null, tools: [...(body.tools ?? []), ...tools] },
      settings,
      requested: body,
      responseId: id,
    },
  };
}
