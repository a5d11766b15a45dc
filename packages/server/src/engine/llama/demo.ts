/** The model that comes with Longwire: for trying the protocol without a download. */
import { fileURLToPath } from 'node:url';
import type { LlamaEngineOptions } from './llama.ts';

/** Options of {@link createLlamaEngine} for `models/tiny-demo`. It was trained to be asked greedily. */
export const tinyDemo = {
  modelPath: fileURLToPath(new URL('../../../../../models/tiny-demo/tiny-demo.gguf', import.meta.url)),
  name: 'tiny-demo',
  description:
    'tiny-demo: a demo model of 3.9M parameters, for trying the protocol. Bring your own GGUF (--model) or URL (--upstream) for real work.',
  defaultTemperature: 0,
} as const satisfies LlamaEngineOptions;
