/** Which family a model is of, from the text of its chat template. */
import { deepseek, deepseekPlain } from './deepseek.ts';
import type { Family } from './family.ts';
import { generic } from './generic.ts';
import { harmony } from './harmony.ts';
import { hermes } from './hermes.ts';
import { llama3 } from './llama3.ts';
import { mistral, mistralArray, mistralWithIds } from './mistral.ts';
import { qwen3Coder } from './qwen3-coder.ts';

/** The family whose marks a template writes; the generic one where it writes none that we know. */
export function findFamily(template: string): Family {
  const has = (mark: string): boolean => template.includes(mark);
  if (has('<|channel|>') && has('<|message|>')) return harmony;
  if (has('<｜tool▁call▁begin｜>')) return has('```json') ? deepseek : deepseekPlain;
  if (has('[TOOL_CALLS]')) return !has('[ARGS]') ? mistralArray : has('[CALL_ID]') ? mistralWithIds : mistral;
  if (has('<tool_call>')) return has('<function=') ? qwen3Coder : hermes;
  if (has('<|python_tag|>') || (has('<|start_header_id|>') && has('"parameters"'))) return llama3;
  return generic;
}
