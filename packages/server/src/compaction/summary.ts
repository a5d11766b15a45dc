/** How a model is asked for a summary, and how it reads one. */
import { createUserMessage, type Item } from '@longwire/protocol';
import type { GenerateRequest } from '../engine/engine.ts';

/** The most that a summary may have. Tokens. */
export const maxSummaryTokens = 8192;

const request = `Stop here. This conversation is about to be cut: whoever goes on will see the standing instructions, the newest \
messages of the user, and a note that you write now. Nothing else of what stands above will be left.

Write that note. Say
- what the user wants, and every rule and wish that still holds;
- what has been done and found, with the exact names, paths, numbers, ids and error texts that will be needed again;
- what was decided and why, and what was tried and did not work;
- where things stand now, and the next step.

Write only the note, in plain text. Call no tools and do not go on with the work.`;

const introduction = `The conversation up to here was compacted. This is the note that you left for yourself:`;
const conclusion = `Go on from there.`;

/** The message that asks for the summary of everything before it. */
export function createSummaryRequest(): Item {
  return createUserMessage(request);
}

/** A summary as the engine sees it afterwards. The user's role is the only one that every chat template takes anywhere. */
export function toSummaryMessage(summary: string): Item {
  return createUserMessage(`${introduction}\n\n${summary}\n\n${conclusion}`);
}

/**
 * The generation that writes a summary from `context`. Instructions and tools stay as they are, because they stand in front of
 * the history and another beginning would cost the engine all that it has evaluated; but no tool may be called.
 */
export function toSummaryGeneration(
  generation: GenerateRequest<unknown>,
  context: unknown,
  limitTokens: number,
): GenerateRequest<unknown> {
  const { text: _text, include: _include, top_logprobs: _logprobs, ...requested } = generation.requested;
  return {
    ...generation,
    context,
    purpose: 'summary',
    settings: {
      ...generation.settings,
      tool_choice: 'none',
      text: { format: { type: 'text' } },
      top_logprobs: 0,
      max_output_tokens: limitTokens,
    },
    requested: { ...requested, tool_choice: 'none', max_output_tokens: limitTokens },
  };
}
