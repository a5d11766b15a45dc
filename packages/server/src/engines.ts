/** The composition root's part for engines: from the configuration to engines that answer. */
import type { Config, Provider, Upstream } from './config/config.ts';
import { demoModel } from './config/options.ts';
import { createAISDKEngine } from './engine/ai-sdk/ai-sdk.ts';
import type { Engine } from './engine/engine.ts';
import { tinyDemo } from './engine/llama/demo.ts';
import { createLlamaEngine } from './engine/llama/llama.ts';
import { createLlamaServerEngine } from './engine/llama-server/llama-server.ts';
import { createOpenAIChatEngine } from './engine/openai-chat/openai-chat.ts';
import { createOpenAIResponsesEngine } from './engine/openai-responses/openai-responses.ts';
import { createReplicatedEngine } from './engine/routing/replicated.ts';
import { readTokenizerFolder } from './engine/token-server/tokenizer.ts';
import type { TokenizerFacts } from './engine/token-server/tokenizer.ts';
import { createVllmEngine } from './engine/vllm/vllm.ts';
import { createSglangEngine } from './engine/sglang/sglang.ts';
import { createScriptedEngine } from './engine/scripted/scripted.ts';
import { readWorkload, type Workload } from './engine/scripted/workload.ts';
import { isRolloutName, loadRollout } from './workloads/rollouts.ts';

/** Opens every engine that the configuration names. Throws what they throw: an unreadable model, a missing package. */
export async function openEngines(config: Config): Promise<Engine[]> {
  const { models, embedded, upstreams, providers, scripted } = config.engines;
  const engines: Engine[] = [];
  for (const model of models) {
    const file = model === demoModel ? tinyDemo : { modelPath: model };
    engines.push(await createLlamaEngine({ ...file, ...embedded }));
  }
  for (const upstream of upstreams) engines.push(await openUpstream(upstream));
  for (const provider of providers) engines.push(await openProvider(provider));
  if (scripted) {
    engines.push(createScriptedEngine({ workload: openWorkload(scripted.workload), rate: scripted.rate }));
  }
  return engines;
}

function openWorkload(nameOrPath: string): Workload {
  return isRolloutName(nameOrPath) ? loadRollout(nameOrPath) : readWorkload(nameOrPath);
}

async function openUpstream(upstream: Upstream): Promise<Engine> {
  const { name, baseUrl, replicaUrls, settings } = upstream;
  const path = 'tokenizer' in settings ? settings.tokenizer : undefined;
  const tokenizer = path === undefined ? null : await readTokenizerFolder(path);
  const urls = [baseUrl, ...replicaUrls];
  const replicas = urls.map((url, index) =>
    openReplica(upstream, url, urls.length === 1 ? name : `${name}#${index + 1}`, tokenizer),
  );
  return limited(name, replicas, settings);
}

function openReplica(upstream: Upstream, baseUrl: string, name: string, tokenizer: TokenizerFacts | null): Engine {
  const headers = Object.entries(upstream.headers).map(([header, value]): [string, string] => [header, value.reveal()]);
  const server = {
    name,
    baseUrl,
    apiKey: upstream.apiKey?.reveal() ?? null,
    headers: Object.fromEntries(headers),
  };
  switch (upstream.kind) {
    case 'chat':
      return createOpenAIChatEngine({ ...upstream.settings, ...server });
    case 'responses':
      return createOpenAIResponsesEngine({ ...upstream.settings, ...server });
    case 'llama-server':
      return createLlamaServerEngine({ ...upstream.settings, ...server });
    case 'vllm':
      return createVllmEngine({ ...upstream.settings, ...server, tokenizer });
    case 'sglang':
      return createSglangEngine({ ...upstream.settings, ...server, tokenizer });
  }
}

async function openProvider(provider: Provider): Promise<Engine> {
  const { name, models, exportName, providerOptions, lateSystemRole } = provider;
  const engine = await createAISDKEngine({
    engineName: name,
    name: provider.package,
    exportName,
    settings: JSON.parse(provider.settings?.reveal() ?? '{}') as Record<string, unknown>,
    folder: process.cwd(),
    models,
    providerOptions,
    lateSystemRole,
  });
  return limited(name, [engine], provider);
}

/** The engine as it is, where there is one and nothing limits it. */
function limited(
  name: string,
  replicas: readonly Engine[],
  { maxConcurrent, maxWaiting }: { readonly maxConcurrent?: number; readonly maxWaiting?: number },
): Engine {
  const [only] = replicas;
  if (only && replicas.length === 1 && maxConcurrent === undefined) return only;
  return createReplicatedEngine({ name, replicas, maxConcurrent, maxWaiting });
}
