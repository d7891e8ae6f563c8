import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const ROOT = join(import.meta.dirname, '..', '..');
export const DEPLOY = join(ROOT, 'deploy');

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

/** A folder of the test file's own, gone afterwards. */
export function fileFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-deploy-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
