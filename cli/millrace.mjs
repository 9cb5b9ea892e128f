#!/usr/bin/env node
// The `millrace` command: makes sure that Node 24 runs it (the project's own, where the caller's is older), then hands over
// to main.ts, or to the one file that `up` has made of it and all that it uses.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const nodeMajorMin = 24;
const home = dirname(fileURLToPath(import.meta.url));
const main = join(home, 'main.ts');

/** The Node that `npm ci` brought: the `node` package, or the package with this machine's binary that it depends on. */
function projectNode() {
  const resolve = createRequire(import.meta.url).resolve;
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  for (const name of [
    'node',
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ]) {
    try {
      const path = join(dirname(resolve(`${name}/package.json`)), 'bin', binary);
      if (existsSync(path)) return path;
    } catch {
      // Not installed: the next place may have it.
    }
  }
  return null;
}

/** Runs the same command under another Node, as if it were this process: same terminal, same signals, same exit code. */
function runUnder(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
    process.on(signal, () => {
      // A terminal's Ctrl-C reaches the child by itself; passing it on would press it twice.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  child.on('error', (error) => {
    console.error(`error: ${node} does not start: ${error.message}\n  fix: npm ci`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) {
  // Keeps the stripped and compiled TypeScript: without it `--help` takes twice as long.
  module.enableCompileCache(join(dirname(home), '.cache', 'compile'));
  const { lastBundleHere } = await import('../adapters/local/bundle-note.ts');
  await import(pathToFileURL(lastBundleHere('cli/main.ts') ?? main).href);
} else {
  const node = projectNode();
  if (node === null) {
    console.error(
      `error: got Node ${process.versions.node}, expected ${nodeMajorMin} or later, and this folder has none installed\n  fix: npm ci   (in ${dirname(home)}; it brings Node ${nodeMajorMin})`,
    );
    process.exit(1);
  }
  runUnder(node);
}
