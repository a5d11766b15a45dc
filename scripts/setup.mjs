// Runs before `npm start`, `npm test` and the other scripts, on whatever Node is there: installs what the lockfile names
// when node_modules differs from it, and makes sure that the scripts will run on Node 24. Plain old JavaScript on purpose.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const neededMajor = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return null;
  }
}

/** Why node_modules is not what the lockfile says, or null. Packages for other platforms may be missing. */
function difference() {
  const wanted = readLock(join(root, 'package-lock.json'));
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted) throw new Error('package-lock.json cannot be read.');
  if (!installed) return 'nothing is installed yet';
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const found = installed[path];
    if (!found) {
      if (entry.optional) continue;
      return `${path.slice('node_modules/'.length)} is missing`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${path.slice('node_modules/'.length)} has another version`;
    }
  }
  for (const path of Object.keys(installed)) {
    if (!wanted[path]) return `${path.slice('node_modules/'.length)} is not in package-lock.json`;
  }
  return null;
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

const why = difference();
if (why !== null) {
  process.stderr.write(`Longwire: installing packages with npm ci (${why}) ...\n`);
  const npm = process.env.npm_execpath;
  const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund', '--ignore-scripts'];
  const done = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (done.status !== 0) fail('Longwire: npm ci failed; its messages above say why.');
}

const pinned = join(root, 'node_modules', '.bin', 'node');
if (!existsSync(pinned) && Number(process.versions.node.split('.')[0]) < neededMajor) {
  fail(
    `Longwire needs Node ${neededMajor} or newer, this is ${process.versions.node}, and no pinned Node exists for ${process.platform}-${process.arch}: install Node ${neededMajor} and run the command again.`,
  );
}
