/** The tokenizer of the model that comes with Longwire, without its weights. */
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import { tinyDemo } from '../../packages/server/src/engine/llama/demo.ts';
import { toVocabulary } from '../../packages/server/src/engine/llama/runtime.ts';
import type { Vocabulary } from '../../packages/server/src/engine/chat-template/tokenizer.ts';

/** A vocabulary and the template that its model brings. */
export interface DemoTokenizer extends AsyncDisposable {
  readonly vocabulary: Vocabulary;
  readonly chatTemplate: string;
}

/** Loads it: some 0.3 s. Throws where the native binding is missing. */
export async function loadDemoTokenizer(): Promise<DemoTokenizer> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: tinyDemo.modelPath, vocabOnly: true });
  const { chat_template: chatTemplate } = model.fileInfo.metadata.tokenizer;
  if (chatTemplate === undefined) throw new Error('The demo model brings no chat template.');
  return { vocabulary: toVocabulary(model), chatTemplate, [Symbol.asyncDispose]: () => llama.dispose() };
}
