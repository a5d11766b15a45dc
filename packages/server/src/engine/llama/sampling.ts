/** Settings of a request -> how tokens are chosen. */
import { randomInt } from 'node:crypto';
import { errors } from '@longwire/protocol';
import { LlamaGrammarEvaluationState } from 'node-llama-cpp';
import type { Llama, LlamaGrammar, LlamaModel } from 'node-llama-cpp';
import type { GenerateRequest } from '../engine.ts';
import { wantsLogprobs } from '../token-chain/answer-settings.ts';
import type { SamplingOptions } from './kv-sequence.ts';

/** Tokens beyond the best so many are never taken: small models have a long tail of nonsense. */
const topK = 40;
const cachedGrammars = 32;

type Schema = Readonly<Record<string, unknown>>;

/** Temperature and top_p as the request has them, the engine's own temperature where it has none. `seed` null: a fresh one. */
export function toSampling(
  request: Pick<GenerateRequest<unknown>, 'settings' | 'requested'>,
  defaultTemperature: number | null,
  seed: number | null,
): SamplingOptions {
  const { settings, requested } = request;
  return {
    temperature: requested.temperature ?? defaultTemperature ?? settings.temperature,
    topP: settings.top_p,
    topK,
    seed: seed ?? randomInt(2 ** 31),
    ...(wantsLogprobs(request) ? { wantsProbabilities: true } : {}),
  };
}

/** Grammars of JSON schemas and of tool inputs, compiled once each. */
export class GrammarCache {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #grammars = new Map<string, LlamaGrammar>();

  constructor(llama: Llama, model: LlamaModel) {
    this.#llama = llama;
    this.#model = model;
  }

  /** What holds an answer to a schema. Throws `invalid_value`, of the field that asks for it, for one that cannot be made a grammar. */
  answer(schema: Schema, field: string): Promise<LlamaGrammarEvaluationState> {
    return this.#state(JSON.stringify(schema), () => this.#compile(schema, field));
  }

  /** What holds the input of a tool to a grammar. `gbnf`: as llama.cpp reads it. */
  input(gbnf: string): Promise<LlamaGrammarEvaluationState> {
    return this.#state(gbnf, () => this.#llama.createGrammar({ grammar: gbnf }));
  }

  async #state(key: string, compile: () => Promise<LlamaGrammar>): Promise<LlamaGrammarEvaluationState> {
    let grammar = this.#grammars.get(key);
    if (grammar === undefined) {
      grammar = await compile();
      const oldest = this.#grammars.keys().next();
      if (this.#grammars.size >= cachedGrammars && oldest.done !== true) this.#grammars.delete(oldest.value);
      this.#grammars.set(key, grammar);
    }
    return new LlamaGrammarEvaluationState({ model: this.#model, grammar });
  }

  async #compile(schema: Schema, field: string): Promise<LlamaGrammar> {
    try {
      // The library infers types from a literal schema; what it cannot make a grammar of, it refuses at run time.
      return await this.#llama.createGrammarForJsonSchema(schema as { type: 'object' });
    } catch (cause) {
      throw errors.invalidValue(field, `its schema cannot be made a grammar (${String(cause)}).`);
    }
  }
}
