/** A provider's package in a folder of its own, as a user would have installed it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallOptions, StreamPart } from '../../../src/engine/ai-sdk/wire.ts';

export interface ProviderFolder extends AsyncDisposable {
  readonly path: string;
  /** The settings that the provider was created with. */
  settings(): unknown;
  /** The calls of its models, oldest first. */
  readonly calls: CallOptions[];
  /** What the next call answers with; throws what it is to fail with. */
  answer: (options: CallOptions) => Iterable<StreamPart> | AsyncIterable<StreamPart>;
}

const source = `
const test = globalThis[Symbol.for('longwire-test-provider')];
export const VERSION = '1.0.0';
export function createFake(settings) {
  const own = test.get(import.meta.dirname);
  own.settings = settings;
  const languageModel = (modelId) => ({
    specificationVersion: modelId === 'old' ? 'v3' : 'v4',
    provider: 'fake',
    modelId,
    async doStream(options) {
      const parts = await own.call(options);
      return { stream: ReadableStream.from(parts) };
    },
  });
  return { languageModel };
}
`;

interface Own {
  settings: unknown;
  call: (options: CallOptions) => unknown;
}

const registry: Map<string, Own> = new Map();
Object.assign(globalThis, { [Symbol.for('longwire-test-provider')]: registry });

/** Installs the package `fake-provider`, and others by their sources. */
export async function installProvider(others: Readonly<Record<string, string>> = {}): Promise<ProviderFolder> {
  const path = await mkdtemp(join(tmpdir(), 'longwire-provider-'));
  for (const [name, text] of Object.entries({ 'fake-provider': source, ...others })) {
    const folder = join(path, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }));
    await writeFile(join(folder, 'index.js'), text);
  }
  const calls: CallOptions[] = [];
  const provider: ProviderFolder = {
    path,
    calls,
    answer: () => saying('Hello.'),
    settings: () => own.settings,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
  const own: Own = {
    settings: null,
    call: (options) => {
      calls.push(options);
      return provider.answer(options);
    },
  };
  registry.set(join(path, 'node_modules', 'fake-provider'), own);
  return provider;
}

/** A stream that says `text`. */
export function saying(text: string): StreamPart[] {
  return [
    { type: 'stream-start' },
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: text },
    { type: 'text-end', id: '0' },
    finish(),
  ];
}

/** The last part of a stream. */
export function finish(unified = 'stop'): StreamPart {
  const usage = { inputTokens: { total: 12, cacheRead: 5 }, outputTokens: { total: 7, reasoning: 3 } };
  return { type: 'finish', finishReason: { unified }, usage };
}
