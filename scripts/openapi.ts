/** Writes docs/openapi.json: `node scripts/openapi.ts && oxfmt docs`. A test fails while the file differs from the schemas. */
import { writeFileSync } from 'node:fs';
import { createOpenApiDocument } from '@longwire/protocol';
import server from '../packages/server/package.json' with { type: 'json' };

const path = new URL('../docs/openapi.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(createOpenApiDocument(server.version), null, 1)}\n`);
