#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node must get as far as the sentence below.
if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(`Longwire needs Node.js 24 or newer, but this is ${process.versions.node}: see https://nodejs.org.`);
  process.exit(1);
}

// Types are stripped once, not at every start: about half of the start-up time otherwise.
const { enableCompileCache } = await import('node:module');
enableCompileCache();

const { createProcessIo } = await import('../src/cli/io.ts');
const { run } = await import('../src/cli/main.ts');
process.exit(await run(process.argv.slice(2), process.env, createProcessIo()));
