import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll } from 'vitest';

export const ROOT = join(import.meta.dirname, '..', '..');
export const DEPLOY = join(ROOT, 'deploy');

const REMOVE_MS = 180_000;

export type Ran = { status: number; stdout: string; stderr: string };
type Options = { cwd?: string; env?: Readonly<Record<string, string>>; input?: string };

/** Runs a tool to its end, with the machine's own environment and more; a tool that is missing fails the test by its name. */
export function tryTool(tool: string, args: readonly string[], { cwd = ROOT, env = {}, input }: Options = {}): Ran {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64_000_000,
    ...(input !== undefined && { input }),
  });
  if (error) throw new Error(`${tool} cannot run: ${error.message}`);
  return { status: status ?? -1, stdout, stderr };
}

/** The same for a tool that must succeed: returns what it writes to standard output. */
export function runTool(tool: string, args: readonly string[], options: Options = {}): string {
  const { status, stdout, stderr } = tryTool(tool, args, options);
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')} exited with ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Builds a program of one file with Debian's Go and its packages, into the folder. @returns its path */
export function buildGo(source: string, folder: string): string {
  const program = join(folder, basename(source, '.go'));
  runTool('go', ['build', '-o', program, source], { env: { GO111MODULE: 'off', GOPATH: '/usr/share/gocode' } });
  return program;
}

/** A folder of the test file's own, gone afterwards. */
export function fileFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-deploy-'));
  // The store of an image is thousands of files.
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }), REMOVE_MS);
  return folder;
}
