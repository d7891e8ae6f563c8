import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT, tryTool } from './tools.ts';
import type { Ran } from './tools.ts';

export type ComposeService = {
  command?: string[];
  environment?: Record<string, string>;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  tmpfs?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
};

/** Runs `docker-compose config`, which needs no daemon, with the variables given or those of a file, and no others. */
export function compose(files: readonly string[], env: Readonly<Record<string, string>> = {}, envFile?: string): Ran {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-compose-'));
  try {
    const variables = join(folder, 'variables');
    writeFileSync(variables, envFile === undefined ? '' : readFileSync(join(ROOT, envFile)));
    const names = files.flatMap((file) => ['--file', file]);
    return tryTool('docker-compose', ['--env-file', variables, ...names, 'config'], { env });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the services of compose files with every variable in its place. @throws the tool's own words */
export function servicesOf(...of: Parameters<typeof compose>): Record<string, ComposeService> {
  const { status, stdout, stderr } = compose(...of);
  if (status !== 0) throw new Error(stderr);
  return (parse(stdout) as { services: Record<string, ComposeService> }).services;
}
