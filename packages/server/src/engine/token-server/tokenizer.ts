/** What a model's tokenizer files say, as Hugging Face writes them: its template, and the texts of its own tokens. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '@longwire/protocol';
import type { Token, Vocabulary } from '../chat-template/tokenizer.ts';

/** A tokenizer, without its vocabulary: that stays with the server. */
export interface TokenizerFacts {
  /** Jinja; null where the model brings none. */
  readonly chatTemplate: string | null;
  readonly bos: string;
  readonly eos: string;
  /** Texts of the tokens that steer the model, such as `<|im_end|>`. */
  readonly controlTexts: readonly string[];
}

/** What control tokens look like, whatever the model: `<|im_end|>`, `</s>`, `[INST]`, `<｜User｜>`. Others, such as runs of spaces, are text. */
const controlShape = /^(?:<[^<>\s]{1,64}>|\[\/?[A-Za-z_]{2,32}\])$/;

/**
 * Reads `tokenizer_config.json`, and `chat_template.jinja` and `tokenizer.json` for what it leaves out. Rejects with
 * `engine_unavailable` where the folder has none of a model.
 */
export async function readTokenizerFolder(folder: string): Promise<TokenizerFacts> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const readOptional = (name: string): Promise<string | null> => read(name).catch(() => null);
  try {
    const config: unknown = JSON.parse(await read('tokenizer_config.json'));
    const listed =
      toFacts(config) ?? toFacts({ ...toRecord(config), ...toRecord(JSON.parse(await read('tokenizer.json'))) });
    if (listed === null) throw new Error('No added tokens are listed.');
    return { ...listed, chatTemplate: (await readOptional('chat_template.jinja')) ?? listed.chatTemplate };
  } catch (cause) {
    throw errors.engineUnavailable('The tokenizer folder of an engine has no readable tokenizer_config.json.', cause);
  }
}

/** Reads a tokenizer's configuration, from its files or from a server that tells it. Null where it lists no tokens of its own. */
export function toFacts(config: unknown): TokenizerFacts | null {
  const { added_tokens_decoder: byId, added_tokens: list, chat_template: template, ...rest } = toRecord(config);
  const added: unknown[] = Array.isArray(list) ? list : Object.values(toRecord(byId));
  if (added.length === 0) return null;
  const controls = added.filter((token) => toRecord(token)['special'] === true || controlShape.test(toText(token)));
  return {
    chatTemplate: toTemplate(template),
    bos: toText(rest['bos_token']),
    eos: toText(rest['eos_token']),
    controlTexts: [...new Set(controls.map(toText))].filter((text) => text !== ''),
  };
}

/** A template, or the one for tools among several. */
function toTemplate(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const named = new Map(value.map((entry) => [toRecord(entry)['name'], toRecord(entry)['template']]));
  const chosen = named.get('tool_use') ?? named.get('default');
  return typeof chosen === 'string' ? chosen : null;
}

/** A token is its text, or an object that has it. */
function toText(token: unknown): string {
  const text = typeof token === 'string' ? token : toRecord(token)['content'];
  return typeof text === 'string' ? text : '';
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A vocabulary that a server encodes with, which takes the text of a control token for that token wherever it stands. */
export class ServerVocabulary implements Vocabulary {
  readonly controlTexts: readonly string[];
  readonly bos: string;
  readonly eos: string;
  /** Templates of this kind write it themselves. */
  readonly needsBos = false;
  readonly #encode: (text: string) => Promise<readonly Token[]>;

  /** `encode`: a text as the server's ids, with nothing put in front. */
  constructor(facts: TokenizerFacts, encode: (text: string) => Promise<readonly Token[]>) {
    this.controlTexts = facts.controlTexts;
    this.bos = facts.bos;
    this.eos = facts.eos;
    this.#encode = encode;
  }

  async tokenize(text: string, parsesControl: boolean): Promise<readonly Token[]> {
    if (parsesControl) return this.#encode(text);
    return (await Promise.all(this.#harmless(text).map(this.#encode))).flat();
  }

  /** A text in pieces that hold no control text. */
  #harmless(text: string): string[] {
    if (text === '') return [];
    if (!this.controlTexts.some((control) => text.includes(control))) return [text];
    const [first = ''] = text;
    return [first, ...this.#harmless(text.slice(first.length))];
  }
}
