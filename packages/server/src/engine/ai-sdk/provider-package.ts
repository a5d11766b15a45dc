/** Loads a provider's npm package: the user installs it, we find it and make its models. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LanguageModel } from './wire.ts';

/** Which package, and what it is created with. */
export interface ProviderPackage {
  /** Such as `@ai-sdk/anthropic`. */
  readonly name: string;
  /** The function that creates the provider, where the package exports several. */
  readonly exportName?: string;
  /** What that function takes. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Absolute. The package is looked for in its `node_modules` and above it, then where Longwire itself is installed. */
  readonly folder: string;
}

/** A model by its name. */
export type ModelSource = (modelId: string) => LanguageModel;

const supportedSpecification = 'v4';

/** The models of a provider. Throws an `Error` in one sentence when the package is missing or is no provider. */
export async function loadProvider(source: ProviderPackage): Promise<ModelSource> {
  const exported = await importPackage(source);
  const create = findCreator(source, exported);
  const provider: unknown = create(source.settings);
  return (modelId) => toModel(source, provider, modelId);
}

async function importPackage({ name, folder }: ProviderPackage): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(resolvePackage(name, folder))) as Record<string, unknown>;
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code;
    if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') {
      throw new Error(`The provider package ${name} cannot be loaded: ${(cause as Error).message}`, { cause });
    }
    throw new Error(`The provider package ${name} is not installed. Run "npm install ${name}" in ${folder}.`, {
      cause,
    });
  }
}

/** The user's folder first: what is installed there is meant. */
function resolvePackage(name: string, folder: string): string {
  try {
    return pathToFileURL(createRequire(join(folder, 'package.json')).resolve(name)).href;
  } catch {
    return name;
  }
}

type Creator = (settings: Readonly<Record<string, unknown>>) => unknown;

/** Packages export `createAnthropic`, `createGoogle`, … beside a ready-made provider. */
function findCreator({ name, exportName }: ProviderPackage, exported: Readonly<Record<string, unknown>>): Creator {
  const creators = Object.keys(exported).filter(
    (key) => /^create[A-Z]/.test(key) && typeof exported[key] === 'function',
  );
  const chosen = exportName ?? creators[0];
  const create = chosen === undefined ? undefined : exported[chosen];
  if (typeof create !== 'function') {
    throw new Error(
      `The package ${name} exports ${exportName === undefined ? 'no create… function' : `no function ${exportName}`}: it is no provider of the AI SDK.`,
    );
  }
  if (exportName === undefined && creators.length > 1) {
    throw new Error(`The package ${name} exports ${creators.join(', ')}: name one of them with the setting "export".`);
  }
  return create as Creator;
}

function toModel({ name }: ProviderPackage, provider: unknown, modelId: string): LanguageModel {
  const { languageModel } = provider as { languageModel?: unknown };
  const make = typeof languageModel === 'function' ? languageModel : provider;
  if (typeof make !== 'function') throw new Error(`The package ${name} makes no language models.`);
  const model = make.call(provider, modelId) as LanguageModel;
  if (model.specificationVersion !== supportedSpecification) {
    throw new Error(
      `The package ${name} speaks version ${model.specificationVersion} of the provider specification, not ${supportedSpecification}: install its newest release.`,
    );
  }
  return model;
}
