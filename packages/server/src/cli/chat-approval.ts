/** Who decides whether a call of a chat's tools runs: the person, once or for good, or `--yes`. */
import type { Approve, RunnableTool } from '@longwire/client';
import { createFileTools } from './chat-folder.ts';
import { createShellTool } from './chat-shell.ts';
import { printable } from './chat-view.ts';

/** What `--tools` may name. */
export const toolSets = ['shell', 'files'] as const;
export type ToolSet = (typeof toolSets)[number];

/** Reading in the folder that the person chose is what they chose it for. */
const harmless: ReadonlySet<string> = new Set(['list_files', 'read_file']);

/** The tools of these sets, in a folder that is a real path. */
export function createChatTools(sets: readonly ToolSet[], folder: string, env: NodeJS.ProcessEnv): RunnableTool[] {
  return sets.flatMap((set) => (set === 'shell' ? createShellTool(folder, env) : createFileTools(folder)));
}

/** Asks a person and resolves with their line; rejects when the signal aborts. */
export type Ask = (question: string, signal: AbortSignal) => Promise<string>;

/** Allows what `ask` is answered with yes, always or no; without anybody to ask, what changes nothing. */
export function createApproval(ask: Ask | null): Approve {
  const allowed = new Set(harmless);
  return async ({ name, args }, { signal }) => {
    if (allowed.has(name)) return true;
    if (!ask) return 'nobody is there to allow it; start the chat with --yes';
    const question = `${name} ${printable(toText(args))}\nMay it run? [y]es, [n]o, [a]lways: `;
    for (;;) {
      const answer = (await ask(question, signal)).trim().toLowerCase();
      if (answer === 'a' || answer === 'always') allowed.add(name);
      if (['y', 'yes', 'a', 'always'].includes(answer)) return true;
      if (['n', 'no', ''].includes(answer)) return false;
    }
  };
}

/** The arguments as a person reads them: line by line where there are lines. */
function toText(args: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(args).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const [only] = values;
  if (values.length === 1 && only) return only[1] ?? '';
  return values.map(([name, value]) => `\n  ${name}: ${value?.replaceAll('\n', '\n    ')}`).join('');
}
