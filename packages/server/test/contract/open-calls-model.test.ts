/** Open calls against a list that is searched from the start: sharing between nodes must not show. */
import { ProtocolError, type Item } from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extendOpenCalls, noOpenCalls, requireOutputs, type OpenCalls } from '../../src/chain/tool-calls.ts';

/** Every kind of call, the kind that answers it, and the fields that join the two. */
const kinds = [
  ['function_call', 'call_id', 'function_call_output', 'call_id'],
  ['custom_tool_call', 'call_id', 'custom_tool_call_output', 'call_id'],
  ['computer_call', 'call_id', 'computer_call_output', 'call_id'],
  ['local_shell_call', 'id', 'local_shell_call_output', 'id'],
  ['shell_call', 'call_id', 'shell_call_output', 'call_id'],
  ['apply_patch_call', 'call_id', 'apply_patch_call_output', 'call_id'],
  ['tool_search_call', 'call_id', 'tool_search_output', 'call_id'],
  ['mcp_approval_request', 'id', 'mcp_approval_response', 'approval_request_id'],
] as const;

/** Few ids, among them those that would hit a plain object's prototype. */
const id = fc.constantFrom('1', '2', '3', '__proto__', 'constructor');

const item = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...kinds), id, fc.boolean(), fc.boolean()).map(toCall) },
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...kinds), id).map(toOutput) },
  { weight: 1, arbitrary: fc.constantFrom({ type: 'message', role: 'user', content: '' }, { type: 'slug:other' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'function_call_output', output: '' }) },
) as fc.Arbitrary<Item>;

type Kind = (typeof kinds)[number];

function toCall([[type, field], id, isAsync, isHosted]: [Kind, string, boolean, boolean]): object {
  return { type, [field]: id, name: 'f', ...(isAsync && { async: true }), ...(isHosted && { execution: 'server' }) };
}

function toOutput([[, , type, field], id]: [Kind, string]): object {
  return { type, [field]: id, output: '' };
}

interface Expected {
  readonly id: string;
  readonly type: string;
  readonly async: boolean;
}

/** What is open after all items so far; null where one of them answers nothing. */
function search(items: readonly Item[]): Expected[] | null {
  const open: Expected[] = [];
  for (const each of items) {
    const fields = each as unknown as Record<string, unknown>;
    if (fields['execution'] === 'server') continue;
    for (const [call, callField, output, outputField] of kinds) {
      const id = fields[each.type === call ? callField : outputField];
      if (typeof id !== 'string') continue;
      const at = open.findIndex((one) => one.id === id);
      if (each.type === call) {
        const entry = { id, type: call, async: fields['async'] === true };
        if (at === -1) open.push(entry);
        else open[at] = entry;
      } else if (each.type === output) {
        if (open[at]?.type !== call) return null;
        open.splice(at, 1);
      }
    }
  }
  return open;
}

function told(open: OpenCalls): Expected[] {
  return open.map(({ id, type, async }) => ({ id, type, async }));
}

/** What the call returns, or the catalogue error that it throws. */
function refusalOf<T>(call: () => T): T | ProtocolError {
  try {
    return call();
  } catch (error) {
    if (error instanceof ProtocolError && /^No tool (call|output) found for /.test(error.message)) return error;
    throw error;
  }
}

describe('open calls', () => {
  it('are those of a search through the whole chain, however it is cut into nodes', () => {
    fc.assert(
      fc.property(fc.array(fc.array(item, { maxLength: 5 }), { maxLength: 6 }), (nodes) => {
        let open = noOpenCalls;
        for (const [index, items] of nodes.entries()) {
          const before = told(open);
          const expected = search(nodes.slice(0, index + 1).flat());
          const next = refusalOf(() => extendOpenCalls(open, items));
          expect(next instanceof ProtocolError ? null : told(next)).toEqual(expected);
          expect(told(open)).toEqual(before);
          if (next instanceof ProtocolError) return;
          open = next;
        }
        const owes = told(open).some((call) => !call.async);
        expect(refusalOf(() => requireOutputs(open)) instanceof ProtocolError).toBe(owes);
      }),
      { numRuns: 3000 },
    );
  });

  it('of two forks do not touch each other', () => {
    fc.assert(
      fc.property(fc.array(item), fc.array(item), fc.array(item), (root, left, right) => {
        fc.pre(search(root) !== null && search([...root, ...left]) !== null && search([...root, ...right]) !== null);
        const parent = extendOpenCalls(noOpenCalls, root);
        extendOpenCalls(parent, left);
        expect(told(extendOpenCalls(parent, right))).toEqual(search([...root, ...right]));
      }),
    );
  });
});
