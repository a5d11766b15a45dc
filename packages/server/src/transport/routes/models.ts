/** `GET /v1/models`: one body that is both OpenAI's list and Codex's catalogue (clients.md 5). */
import type { FastifyInstance } from 'fastify';
import type { EngineModel } from '../../engine/engine.ts';
import type { Router } from '../../engine/router.ts';

/** Adds the list and the single model, with and without `/v1`. */
export function addModelRoutes(app: FastifyInstance, router: Router): void {
  for (const prefix of ['/v1', '']) {
    app.get(`${prefix}/models`, async () => {
      const models = await router.models();
      return { object: 'list', data: models.map(toModel), models: models.map(toCatalogEntry) };
    });
    app.get<{ Params: { model: string } }>(`${prefix}/models/:model`, async (request) => {
      const { model } = await router.route(request.params.model);
      return toModel(model);
    });
  }
}

function toModel(model: EngineModel): object {
  const { id, created, ownedBy, description, contextTokens } = model;
  return {
    id,
    object: 'model',
    created,
    owned_by: ownedBy,
    ...(description === undefined ? {} : { description }),
    ...(contextTokens === undefined ? {} : { context_window: contextTokens }),
  };
}

/** The fields that Codex requires of an entry, so that it does not warn about missing metadata. */
function toCatalogEntry(model: EngineModel, priority: number): object {
  return {
    slug: model.id,
    display_name: model.id,
    description: model.description ?? null,
    supported_reasoning_levels: [],
    shell_type: 'unified_exec',
    visibility: 'list',
    supported_in_api: true,
    priority,
    support_verbosity: false,
    truncation_policy: { mode: 'tokens', limit: 10_000 },
    experimental_supported_tools: [],
    base_instructions:
      'You are a coding agent. Work with the tools you are given, step by step, and report what you did.',
    ...(model.contextTokens === undefined ? {} : { context_window: model.contextTokens }),
  };
}
