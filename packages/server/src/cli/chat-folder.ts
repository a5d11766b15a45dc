/** The tool set `files` of `longwire chat`: it reads and writes in one folder and never leaves it. */
import { isUtf8 } from 'node:buffer';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { tool } from '@longwire/client';
import type { RunnableTool } from '@longwire/client';

/** Of a file, so much is read; one that is edited may be so big; of a folder, so many names. */
const maxReadBytes = 64 * 1024;
const maxEditBytes = 8 * 1024 * 1024;
const maxNames = 500;

const path = { type: 'string', description: 'relative to the folder' } as const;
const text = { type: 'string' } as const;

/** The tools. `folder` is a real path; what a path of the model leads to, symbolic links resolved, must lie in it. */
export function createFileTools(folder: string): RunnableTool[] {
  return [
    tool({
      name: 'list_files',
      description: 'List the files of a folder',
      parameters: { type: 'object', properties: { path }, required: [] },
      async run(args) {
        const entries = await readdir(await resolveWithin(folder, args.path ?? '.'), { withFileTypes: true });
        const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`).toSorted();
        const more = names.length > maxNames ? [`(${names.length - maxNames} more)`] : [];
        return [...names.slice(0, maxNames), ...more].join('\n');
      },
    }),
    tool({
      name: 'read_file',
      description: 'Read a file',
      parameters: { type: 'object', properties: { path }, required: ['path'] },
      async run(args) {
        const { bytes, left } = await readBytes(await resolveWithin(folder, args.path), maxReadBytes);
        return bytes.toString('utf8') + (left > 0 ? `\n(${left} more bytes)` : '');
      },
    }),
    tool({
      name: 'write_file',
      description: 'Write a file, in place of one that is there',
      parameters: { type: 'object', properties: { path, text }, required: ['path', 'text'] },
      async run(args) {
        const target = await resolveWithin(folder, args.path);
        await mkdir(dirname(target), { recursive: true });
        await writeText(target, args.text);
        return 'ok';
      },
    }),
    tool({
      name: 'edit_file',
      description: 'Replace text in a file; it must be there exactly once',
      parameters: {
        type: 'object',
        properties: { path, find: text, replace: text },
        required: ['path', 'find', 'replace'],
      },
      async run({ find, replace, ...args }) {
        const target = await resolveWithin(folder, args.path);
        const parts = (await readText(target)).split(find);
        if (find === '' || parts.length === 1) throw new Error('The text is not there.');
        if (parts.length > 2) throw new Error(`The text is there ${parts.length - 1} times: give more of it.`);
        await writeText(target, parts.join(replace));
        return 'ok';
      },
    }),
  ];
}

/**
 * Where a path leads, every symbolic link on the way resolved; what is not there yet may be the end of it. Throws an `Error` for
 * the model where that is outside the folder.
 */
export async function resolveWithin(folder: string, name: string): Promise<string> {
  const target = await resolveLinks(resolve(folder, name));
  const way = relative(folder, target);
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
    throw new Error(`'${name}' is outside the folder.`);
  return target;
}

async function resolveLinks(target: string): Promise<string> {
  try {
    return await realpath(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw toPlain(error);
  }
  // A link to nowhere would be followed by whoever writes.
  const isLink = await lstat(target).then(
    () => true,
    () => false,
  );
  if (isLink) throw new Error('This is a symbolic link that leads nowhere.');
  return join(await resolveLinks(dirname(target)), target.slice(dirname(target).length));
}

/** The text of a file that will be written again: all of it, and nothing but text. */
async function readText(target: string): Promise<string> {
  const { bytes, left } = await readBytes(target, maxEditBytes);
  if (left > 0) throw new Error('The file is too big to be edited.');
  if (!isUtf8(bytes)) throw new Error('The file is no UTF-8 text.');
  return bytes.toString('utf8');
}

async function readBytes(target: string, maxBytes: number): Promise<{ bytes: Buffer; left: number }> {
  const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(throwPlain);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('This is no file.');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(stats.size, maxBytes)));
    return { bytes: buffer.subarray(0, bytesRead), left: stats.size - bytesRead };
  } finally {
    await file.close();
  }
}

async function writeText(target: string, content: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(target, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK).catch(throwPlain);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

function throwPlain(error: unknown): never {
  throw toPlain(error);
}

/** Without the path of this machine, which is none of the model's business. */
function toPlain(error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return new Error('There is no such file.');
    case 'EISDIR':
    case 'ENOTDIR':
    case 'EEXIST':
      return new Error('A part of this path is no folder, or this is no file.');
    case 'EACCES':
    case 'EPERM':
      return new Error('This is not allowed here.');
    default:
      return new Error(`This cannot be opened (${String(code)}).`);
  }
}
