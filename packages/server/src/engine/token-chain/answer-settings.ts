/** What a request asks of an answer, for every engine that takes token ids. */
import type { TextSettings } from '@longwire/protocol';
import type { GenerateRequest } from '../engine.ts';
import type { Prompt } from './prompt.ts';

type TextFormat = NonNullable<TextSettings['format']>;

/** Whether the request asks for log probabilities. */
export function wantsLogprobs({
  settings,
  requested,
}: Pick<GenerateRequest<unknown>, 'settings' | 'requested'>): boolean {
  return settings.top_logprobs > 0 || (requested.include ?? []).includes('message.output_text.logprobs');
}

/** The schema of a format; null for text. */
export function toSchema(format: TextFormat): Readonly<Record<string, unknown>> | null {
  switch (format.type) {
    case 'text':
      return null;
    case 'json_object':
      return { type: 'object', additionalProperties: true };
    case 'json_schema':
      return format.schema;
  }
}

/** Whether what comes first is the answer's text, if it is not a call: then a format holds from the first token on. */
export function beginsWithText({ forced, family }: Prompt): boolean {
  return forced.text === '' || forced.text === family.finalStart;
}
