/** A scratch folder with one small bug, and the tools that an agent has in it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from '@longwire/client';
import type { RunnableTool } from '@longwire/client';

/** What the agent is to repair; the test that fails; what makes both modules. */
export const brokenFile = 'math.js';
const testFile = 'math.test.js';
const files = {
  [brokenFile]: 'export function add(a, b) {\n  return a - b;\n}\n',
  [testFile]: [
    "import { add } from './math.js';",
    'const got = add(2, 3);',
    'if (got === 5) {',
    "  console.log('all tests passed');",
    '} else {',
    '  console.log(`1 failed: add in math.js\\nadd(2, 3): expected 5, got ${got}`);',
    '  process.exitCode = 1;',
    '}',
    '',
  ].join('\n'),
  'package.json': '{ "type": "module" }\n',
};

const testTimeoutMs = 10_000;

/** How the test ended, and what it printed. */
export interface TestRun {
  readonly passed: boolean;
  readonly output: string;
}

/** A folder of its own, removed with `dispose`. */
export class Scratch implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'longwire-agent-')));

  constructor() {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.path, name), text);
  }

  /** What an agent can do here, in the shapes that the demo model was trained on. What they throw is told to the model. */
  readonly tools: readonly RunnableTool[] = [
    tool({
      name: 'list_files',
      description: 'List files',
      parameters: { type: 'object', properties: {}, required: [] },
      run: () => readdirSync(this.path).join('\n'),
    }),
    tool({
      name: 'read_file',
      description: 'Read a file',
      parameters: strings('path'),
      run: ({ path }) => this.read(this.#nameOf(path)),
    }),
    tool({
      name: 'edit_file',
      description: 'Replace text in a file',
      parameters: strings('path', 'find', 'replace'),
      run: ({ path, find, replace }) => this.#edit(this.#nameOf(path), find, replace),
    }),
    tool({
      name: 'run_tests',
      description: 'Run the test suite',
      parameters: { type: 'object', properties: {}, required: [] },
      run: async (_args, { signal }) => (await this.test(signal)).output,
    }),
  ];

  /** The text of one of the files. */
  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  /** Runs the test in a process that may read this folder and nothing else: what it runs was written by a model. */
  test(signal: AbortSignal): Promise<TestRun> {
    const args = ['--permission', `--allow-fs-read=${this.path}`, testFile];
    const options = { cwd: this.path, env: {}, timeout: testTimeoutMs, signal };
    return new Promise((resolve) => {
      execFile(process.execPath, args, options, (error, stdout, stderr) => {
        resolve({ passed: error === null, output: (stdout + stderr).trim() });
      });
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #edit(name: string, find: string, replace: string): string {
    if (name !== brokenFile) throw new Error(`${name} may only be read`);
    const text = this.read(name);
    if (find === '' || !text.includes(find)) throw new Error('text not found');
    writeFileSync(
      join(this.path, name),
      text.replace(find, () => replace),
    );
    return 'ok';
  }

  #nameOf(path: string): string {
    if (readdirSync(this.path).includes(path)) return path;
    throw new Error(`no such file ${path}`);
  }
}

function strings<const Name extends string>(...names: readonly Name[]) {
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  return { type: 'object', properties: properties as Record<Name, { type: 'string' }>, required: names } as const;
}
