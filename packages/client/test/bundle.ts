/** The client as pages get it: one module, minified. */
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));

/** A module that exports these names of the client. */
export async function bundleClient(...names: readonly string[]): Promise<string> {
  const entry = 'client';
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? `export { ${names.join(', ')} } from ${JSON.stringify(index)};` : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'es', minify: true });
  await bundle.close();
  return output[0].code;
}
