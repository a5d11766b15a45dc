/** A vocabulary that needs no model: one token for each byte of UTF-8, and the control tokens of ChatML. */
const controls = ['<|im_start|>', '<|im_end|>'];
const firstControl = 1000;

/** What a model ends its turn with. */
export const endOfTurn = firstControl + 1;

export const template = `{%- if tools %}{{- '<|im_start|>system\\n' + (tools | tojson) + '<|im_end|>\\n' }}{%- endif %}{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content }}{%- for c in m.tool_calls or [] %}{{- '<tool_call>\\n{"name": "' + c.function.name + '", "arguments": ' + c.function.arguments + '}\\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;

export function encode(text: string, parsesControl: boolean): number[] {
  if (!parsesControl) return [...Buffer.from(text)];
  return text.split(/(<\|im_start\|>|<\|im_end\|>)/).flatMap((part) => {
    const control = controls.indexOf(part);
    return control === -1 ? [...Buffer.from(part)] : [firstControl + control];
  });
}

export function decode(tokens: readonly number[]): string {
  return tokens.map((token) => controls[token - firstControl] ?? String.fromCharCode(token)).join('');
}

export const isControl = (token: number): boolean => token >= firstControl;

/** What the files of this vocabulary's tokenizer would say. */
export const tokenizerConfig = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  added_tokens_decoder: { [firstControl]: controls[0], [endOfTurn]: controls[1] },
  bos_token: null,
  eos_token: controls[1],
  chat_template: template,
};

/** Ids in reads: each id with the text that it completes, empty inside a character. */
export function toReads(ids: readonly number[]): { ids: number[]; text: string }[] {
  const decoder = new TextDecoder();
  return ids.map((id) => ({
    ids: [id],
    text: isControl(id) ? '' : decoder.decode(Uint8Array.of(id), { stream: true }),
  }));
}
