/** `GET /openapi.json`: what this server speaks, made from the schemas that it checks requests by. */
import { createOpenApiDocument } from '@longwire/protocol';
import type { FastifyInstance } from 'fastify';
import description from '../../../package.json' with { type: 'json' };

/** Adds the document; it needs no key. */
export function addOpenApiRoute(app: FastifyInstance): void {
  let document: object | null = null;
  app.get('/openapi.json', () => (document ??= createOpenApiDocument(description.version)));
}
