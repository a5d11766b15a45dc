/** The vocabulary of a llama-server, asked over HTTP. */
import type { Token, Vocabulary } from '../chat-template/tokenizer.ts';
import type { LlamaServerApi } from './api.ts';

/** What control tokens look like, whatever the model: `<|im_end|>`, `</s>`, `[INST]`, `<｜User｜>`. */
const candidates = /<[^<>\s]{1,64}>|\[\/?[A-Za-z_]{2,32}\]/g;
/** Texts remembered as no control tokens; when there are more, they are looked at again. */
const rememberedTexts = 4096;

/** A vocabulary that cannot be listed: its control tokens are found where their texts turn up. */
export class RemoteVocabulary implements Vocabulary {
  readonly controlTexts: string[] = [];
  readonly bos: string;
  readonly eos: string;
  readonly needsBos: boolean;
  readonly #api: LlamaServerApi;
  readonly #plain = new Set<string>();

  constructor(api: LlamaServerApi, bos: string, eos: string, needsBos: boolean) {
    this.#api = api;
    this.bos = bos;
    this.eos = eos;
    this.needsBos = needsBos;
  }

  tokenize(text: string, parsesControl: boolean): Promise<readonly Token[]> {
    return this.#api.tokenize(text, parsesControl);
  }

  async learn(contents: readonly string[]): Promise<void> {
    const unknown = new Set<string>();
    for (const content of contents)
      for (const [text] of content.matchAll(candidates))
        if (!this.#plain.has(text) && !this.controlTexts.includes(text)) unknown.add(text);
    if (unknown.size === 0) return;
    const joined = [...unknown].join('\n');
    const [parsed, plain] = await Promise.all([this.#api.pieces(joined, true), this.#api.pieces(joined, false)]);
    // A control token is one piece where it is parsed, and is not where it is not; an ordinary word is either in both.
    const [asControl, asText] = [countPieces(parsed), countPieces(plain)];
    if (this.#plain.size > rememberedTexts) this.#plain.clear();
    for (const text of unknown) {
      const isControl = (asControl.get(text) ?? 0) > (asText.get(text) ?? 0);
      if (!isControl) this.#plain.add(text);
      else if (!this.controlTexts.includes(text)) this.controlTexts.push(text);
    }
  }
}

/** Asks what a vocabulary is asked first. */
export async function createRemoteVocabulary(
  api: LlamaServerApi,
  bos: string,
  eos: string,
  template: string,
): Promise<RemoteVocabulary> {
  const [bare, whole] = await Promise.all([api.tokenize('a', true), api.tokenize('a', true, true)]);
  const vocabulary = new RemoteVocabulary(api, bos, eos, whole.length > bare.length && bos !== '');
  await vocabulary.learn([template, bos, eos]);
  return vocabulary;
}

function countPieces(pieces: readonly (string | null)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const piece of pieces) if (piece !== null) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return counts;
}
