/** The YAML file as raw values. */
import { basename, dirname } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { isOptionName, optionNames, optionOf } from './options.ts';
import { suggestionFor } from './suggest.ts';
import { UsageError } from './usage-error.ts';
import type { RawValues } from './values.ts';

/** Reads a text file; throws as `fs.readFileSync` does. */
export type ReadFile = (path: string) => string;

/** What a file holds. */
export interface ConfigFile {
  readonly values: RawValues;
  /** Its `engines:`, as it stands there. */
  readonly engines: unknown;
  /** Absolute; relative paths in the file begin here. */
  readonly folder: string;
}

/**
 * The options in the file at `path`, an absolute one. Throws a usage error for a file that cannot be read, is no YAML
 * mapping, or has a key that is not an option. Errors quote no secret values.
 */
export function readConfigFile(path: string, readFile: ReadFile): ConfigFile {
  const name = basename(path);
  const raw: RawValues = {};
  let engines: unknown;
  for (const [key, value] of Object.entries(parseMapping(name, readText(path, readFile)))) {
    if (key === enginesKey) {
      engines = value;
      continue;
    }
    if (!isOptionName(key) || 'outsideYaml' in optionOf(key)) {
      throw new UsageError(`Unknown key ${key} in ${name}.${suggestionFor(key, yamlKeys)}`);
    }
    raw[key] = {
      value: 'repeatable' in optionOf(key) ? toList(value, 'pairs' in optionOf(key)) : value,
      source: `${key} in ${name}`,
      folder: dirname(path),
    };
  }
  return { values: raw, engines, folder: dirname(path) };
}

/** What only a file has room for: engines with all their settings (upstreams.ts). */
const enginesKey = 'engines';
const yamlKeys = [...optionNames.filter((name) => !('outsideYaml' in optionOf(name))), enginesKey];

function readText(path: string, readFile: ReadFile): string {
  try {
    return readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new UsageError(`Cannot read the configuration file ${path} (${code}).`);
  }
}

function parseMapping(name: string, text: string): object {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    throw new UsageError(`${name} is not valid YAML: ${error.code} in line ${lines.linePos(error.pos[0]).line}.`);
  }
  const content = toContent(document, name);
  if (content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new UsageError(`${name} must be a mapping of options, such as "port: 8787".`);
  }
  return content;
}

function toContent(document: Document.Parsed, name: string): unknown {
  try {
    return document.toJS();
  } catch {
    throw new UsageError(`${name} is not valid YAML: an alias in it has no anchor, or is used too often.`);
  }
}

/** One value stands for a list of one; a mapping of names stands for NAME=VALUE pairs. */
function toList(value: unknown, pairs: boolean): unknown {
  if (typeof value === 'string') return [value];
  if (!pairs || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value).map(([name, paired]) => (typeof paired === 'string' ? `${name}=${paired}` : paired));
}
