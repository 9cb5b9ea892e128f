// Runs before `npm start` and `npm test`: installs what package-lock.json names where that is not there yet. Plain
// JavaScript without packages, for any Node from 20 on; silent and quick where nothing is to do.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const nodeMajorMin = 20;
const sayEveryMs = 5_000;

/** Whether what npm wrote down of its last install agrees with the lock file. Optional packages differ by machine. */
function isInstalled() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const found = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages;
    return Object.entries(wanted).every(
      ([path, { version, optional }]) => path === '' || optional || found[path]?.version === version,
    );
  } catch {
    return false;
  }
}

/** npm as it runs us, or the one on the PATH. */
function npm(args) {
  const self = process.env.npm_execpath;
  const [command, before] = self?.endsWith('.js') ? [process.execPath, [self]] : ['npm', []];
  return spawn(command, [...before, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
}

function ended(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? null : `it ended with ${signal ?? `code ${code}`}`));
  });
}

async function installPackages() {
  const began = performance.now();
  process.stderr.write('installing packages (once, about half a minute)\n');
  const timer = setInterval(() => {
    process.stderr.write(`  … ${Math.round((performance.now() - began) / 1000)} s\n`);
  }, sayEveryMs);
  // Some packages want the Node that this very install brings: npm's warnings about that would only worry.
  const problem = await ended(npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']));
  clearInterval(timer);
  if (problem !== null) {
    fail(`npm ci failed: ${problem}. See its lines above; it needs a package registry that can be reached.`);
  }
  process.stderr.write(`installed in ${Math.round((performance.now() - began) / 1000)} s\n`);
}

/** The `node` package fetches its binary in an install script; where those are blocked, it is done here. */
function ensureNode() {
  const home = join(modules, 'node');
  const link = join(modules, '.bin', 'node');
  if (existsSync(link)) return;
  if (!existsSync(join(home, 'bin', 'node'))) {
    process.stderr.write('installing Node for this project\n');
    spawnSync(process.execPath, ['installArchSpecificPackage.js'], { cwd: home, stdio: ['ignore', 2, 2] });
  }
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join('..', 'node', 'bin', 'node'), link);
  const { status, error } = spawnSync(link, ['--version']);
  if (status === 0) return;
  rmSync(link, { force: true });
  fail(
    `the project's own Node (${home}) does not run: ${error?.message ?? `code ${status}`}. Run \`npm rebuild node\`.`,
  );
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
  fail(`got Node ${process.versions.node}, expected ${nodeMajorMin} or later (it then brings the one it runs on)`);
}
if (!isInstalled()) await installPackages();
ensureNode();
