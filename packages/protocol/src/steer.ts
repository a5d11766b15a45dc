/** `response.steer`: input for a response that is running (dossier B.2, F). */
import { createChecker } from './check.ts';
import { ResponseSteerEvent, type SteerInput } from './client-events.ts';
import { ProtocolError } from './errors.ts';
import { createUserMessage } from './items/parse.ts';
import type { Item } from './items/unions.ts';

/** A valid steer. */
export interface SteerRequest {
  /** The response to steer. */
  readonly previousResponseId: string;
  /** As the client sent it: `response.steer.failed` gives it back. */
  readonly input: SteerInput;
  /** The same as items, ready to stand in a history. */
  readonly items: readonly Item[];
}

/** A steer that fails is answered by `response.steer.failed` with code `invalid_input`, so parsing one does not throw. */
export type SteerResult =
  | { readonly ok: true; readonly steer: SteerRequest }
  | {
      readonly ok: false;
      /** Empty where the client named none. */
      readonly previousResponseId: string;
      readonly input: unknown;
      readonly message: string;
    };

const checker = createChecker(ResponseSteerEvent);
const fields = ['type', 'previous_response_id', 'input'];

/** Parses the body of `response.steer`, which has exactly three fields. Never throws. */
export function parseSteer(body: Record<string, unknown>): SteerResult {
  const extra = Object.keys(body).find((name) => !fields.includes(name));
  if (extra !== undefined) {
    return refuse(body, `Unsupported parameter: '${extra}'. A steer has 'previous_response_id' and 'input' only.`);
  }
  try {
    const { previous_response_id, input } = checker.parse(body);
    return { ok: true, steer: { previousResponseId: previous_response_id, input, items: toItems(input) } };
  } catch (error) {
    if (error instanceof ProtocolError) return refuse(body, error.message);
    throw error;
  }
}

function refuse(body: Record<string, unknown>, message: string): SteerResult {
  const { previous_response_id: id, input } = body;
  // A failure always has an `input`, also where the client sent none.
  return { ok: false, previousResponseId: typeof id === 'string' ? id : '', input: input ?? '', message };
}

function toItems(input: SteerInput): Item[] {
  if (typeof input === 'string') return [createUserMessage(input)];
  return input.map((item) =>
    item.type === 'function_call_output' ? item : { type: 'message', role: item.role, content: item.content },
  );
}
