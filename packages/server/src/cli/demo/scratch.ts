/** A scratch folder with one small bug, and the tools that an agent has in it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tool } from '@longwire/protocol';

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

/** The tools as the model is told of them: in the shapes that the demo model was trained on. */
export const scratchTools: readonly Tool[] = [
  toTool('list_files', 'List files', []),
  toTool('read_file', 'Read a file', ['path']),
  toTool('edit_file', 'Replace text in a file', ['path', 'find', 'replace']),
  toTool('run_tests', 'Run the test suite', []),
];

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

  /** Does what a call asks for and returns what the model is told: mistakes of the model are told to it, too. */
  async call(name: string, args: string, signal: AbortSignal): Promise<string> {
    const { path, find, replace } = parseArguments(args);
    switch (name) {
      case 'list_files':
        return readdirSync(this.path).join('\n');
      case 'read_file':
        return this.#has(path) ? this.read(path) : `error: no such file ${path}`;
      case 'edit_file':
        return this.#edit(path, find, replace);
      case 'run_tests':
        return (await this.test(signal)).output;
      default:
        return `error: no tool ${name}`;
    }
  }

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

  #edit(path: string | undefined, find: string | undefined, replace: string | undefined): string {
    if (!this.#has(path)) return `error: no such file ${path}`;
    if (path !== brokenFile) return `error: ${path} may only be read`;
    const text = this.read(path);
    if (!find || replace === undefined || !text.includes(find)) return 'error: text not found';
    writeFileSync(
      join(this.path, path),
      text.replace(find, () => replace),
    );
    return 'ok';
  }

  #has(path: string | undefined): path is string {
    return path !== undefined && readdirSync(this.path).includes(path);
  }
}

/** The arguments that are strings; none where a model wrote no object. */
function parseArguments(args: string): Partial<Record<string, string>> {
  try {
    const entries = Object.entries(JSON.parse(args) as object);
    return Object.fromEntries(entries.filter(([, value]) => typeof value === 'string'));
  } catch {
    return {};
  }
}

function toTool(name: string, description: string, parameters: readonly string[]): Tool {
  return {
    type: 'function',
    name,
    description,
    strict: false,
    parameters: {
      type: 'object',
      properties: Object.fromEntries(parameters.map((parameter) => [parameter, { type: 'string' }])),
      required: [...parameters],
    },
  };
}
