/** The grammars that Codex sends with its tools, and a plain reading of any grammar to hold translations against. */
import type { Expression, Grammar } from '../../../src/engine/grammar/expression.ts';

/** Codex's `apply_patch`. */
export const applyPatch = `start: begin_patch hunk+ end_patch
begin_patch: "*** Begin Patch" LF
end_patch: "*** End Patch" LF?

hunk: add_hunk | delete_hunk | update_hunk
add_hunk: "*** Add File: " filename LF add_line+
delete_hunk: "*** Delete File: " filename LF
update_hunk: "*** Update File: " filename LF change_move? change?

filename: /(.+)/
add_line: "+" /(.*)/ LF -> line

change_move: "*** Move to: " filename LF
change: (change_context | change_line)+ eof_line?
change_context: ("@@" | "@@ " /(.+)/) LF
change_line: ("+" | "-" | " ") /(.*)/ LF
eof_line: "*** End of File" LF

%import common.LF
`;

/** Codex's `exec`, which takes JavaScript. */
export const execSource = `
start: pragma_source | plain_source
pragma_source: PRAGMA_LINE NEWLINE SOURCE
plain_source: SOURCE

PRAGMA_LINE: /[ \\t]*\\/\\/ @exec:[^\\r\\n]*/
NEWLINE: /\\r?\\n/
SOURCE: /[\\s\\S]+/
`;

/** Whether a text is one of the grammar's. */
export function accepts({ start, rules }: Grammar, text: string): boolean {
  const characters = Array.from(text);
  /** Where a match of `expression` that begins at one of `from` may end. */
  const walk = (expression: Expression, from: ReadonlySet<number>): ReadonlySet<number> => {
    switch (expression.kind) {
      case 'set':
        return new Set(
          [...from]
            .filter((at) => {
              const code = characters[at]?.codePointAt(0) ?? -1;
              return expression.ranges.some(({ first, last }) => first <= code && code <= last);
            })
            .map((at) => at + 1),
        );
      case 'rule': {
        const body = rules.get(expression.name);
        if (body === undefined) throw new Error(`There is no rule ${expression.name}.`);
        return walk(body, from);
      }
      case 'sequence':
        return expression.parts.reduce((at, part) => (at.size === 0 ? at : walk(part, at)), from);
      case 'choice':
        return new Set(expression.options.flatMap((option) => [...walk(option, from)]));
      case 'repeat': {
        const ends = new Set(expression.min === 0 ? from : []);
        let at = from;
        for (let count = 1; at.size > 0 && count <= (expression.max ?? characters.length + 1); count += 1) {
          at = walk(expression.body, at);
          if (count >= expression.min) for (const each of at) ends.add(each);
        }
        return ends;
      }
    }
  };
  return walk({ kind: 'rule', name: start }, new Set([0])).has(characters.length);
}
