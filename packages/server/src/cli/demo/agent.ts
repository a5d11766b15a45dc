/** An agent in its smallest form: the model answers, its calls are run, their outputs are the next turn. */
import type { Lane } from '@longwire/client';
import type { InputItem, OutputItem, Response, Tool } from '@longwire/protocol';

/** What an agent works with. */
export interface AgentOptions {
  /** A fresh one: each turn continues the one before, and sends what is new. */
  readonly lane: Lane;
  readonly model: string;
  readonly instructions: string;
  readonly prompt: string;
  readonly tools: readonly Tool[];
  /** Runs a call and returns what the model is told. */
  readonly call: (name: string, args: string, signal: AbortSignal) => Promise<string>;
  readonly maxSteps: number;
}

/** One turn of the model: what it called, with the outputs; or, in the last one, what it said. */
export interface AgentStep {
  readonly response: Response;
  readonly calls: readonly { readonly name: string; readonly args: string; readonly output: string }[];
  readonly text: string;
}

/** Yields each turn once its calls have run, until one has none or `maxSteps` are taken. Throws what a turn throws. */
export async function* runAgent(options: AgentOptions, signal: AbortSignal): AsyncGenerator<AgentStep> {
  const { lane, model, instructions, tools, call, maxSteps } = options;
  let input: InputItem[] = [{ type: 'message', role: 'user', content: options.prompt }];
  for (let step = 0; step < maxSteps && input.length > 0; step++) {
    const response = await lane.create({ model, instructions, tools: [...tools], input }, { signal }).response;
    const calls: AgentStep['calls'][number][] = [];
    input = [];
    for (const item of response.output) {
      if (item.type !== 'function_call') continue;
      const output = await call(item.name, item.arguments, signal);
      calls.push({ name: item.name, args: item.arguments, output });
      input.push({ type: 'function_call_output', call_id: item.call_id, output });
    }
    yield { response, calls, text: response.output.map(textOf).join('') };
  }
}

function textOf(item: OutputItem): string {
  if (item.type !== 'message') return '';
  return item.content.map((part) => (part.type === 'output_text' ? part.text : part.refusal)).join('');
}
