/** `GET /healthz`: the process lives. `GET /readyz`: it takes new turns. */
import type { FastifyInstance } from 'fastify';
import type { Router } from '../../engine/router.ts';

/** What readiness depends on. */
export interface Readiness {
  readonly services: { readonly router: Router };
  readonly isDraining: () => boolean;
}

/** Adds both probes; neither needs a key. */
export function addHealthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    if (readiness.isDraining()) return reply.status(503).send({ status: 'draining' });
    const models = await readiness.services.router.models();
    return models.length > 0
      ? { status: 'ready', models: models.length }
      : reply.status(503).send({ status: 'no engine answers' });
  });
}
