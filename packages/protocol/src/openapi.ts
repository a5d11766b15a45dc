/** The OpenAPI document, made from the schemas that requests are checked by. */
import { documentedPaths } from './openapi-paths.ts';
import { documentedSchemas } from './openapi-schemas.ts';

/** An OpenAPI 3.1 document of the HTTP API. `version` is the server's. */
export function createOpenApiDocument(version: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Longwire',
      version,
      description: 'The OpenAI Responses API. PROTOCOL.md tells the same for WebSocket mode.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/v1' }],
    security: [{ key: [] }],
    paths: documentedPaths(),
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: documentedSchemas(),
    },
  };
}
