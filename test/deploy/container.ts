import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll } from 'vitest';
import { startChild } from '../support/child.ts';
import type { ImageConfig } from './image.ts';
import { runTool, tryTool } from './tools.ts';

type Image = { files: string; config: ImageConfig['config'] };
type Env = Readonly<Record<string, string>>;
type Options = {
  command?: readonly string[];
  env: Env;
  /** Files of the machine that the container sees, by their path in it. */
  binds?: Env;
  /** Folders in memory that its user may write. */
  writable?: readonly string[];
};

/**
 * Makes containers as compose.yaml asks for: a root that is only read, no capability, no new privilege; on the host's
 * network. They end with the test file, in which this must be called outside of any test.
 */
export function makeContainers(folder: string, { files, config }: Image) {
  const state = ['--root', join(folder, 'runc')];
  const started: string[] = [];
  afterAll(() => {
    for (const id of started) tryTool('runc', [...state, 'delete', '--force', id]);
  });

  return function start({ command = config.Cmd, env, binds = {}, writable = [] }: Options) {
    const id = `latchkey-${randomBytes(6).toString('hex')}`;
    const bundle = join(folder, id);
    mkdirSync(bundle, { recursive: true });
    const [uid, gid] = config.User.split(':').map(Number) as [number, number];
    const process = {
      user: { uid, gid },
      args: [...config.Entrypoint, ...command],
      env: [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: config.WorkingDir,
      capabilities: { bounding: [], effective: [], permitted: [] },
      noNewPrivileges: true,
    };
    const mounts = [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      bind('/etc/hosts', '/etc/hosts'),
      ...Object.entries(binds).map(([inside, outside]) => bind(outside, inside)),
      ...writable.map((destination) => ({
        destination,
        type: 'tmpfs',
        source: 'tmpfs',
        options: [`uid=${uid}`, `gid=${gid}`, 'mode=0700'],
      })),
    ];
    const namespaces = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }));
    const spec = { ociVersion: '1.0.2', process, root: { path: files, readonly: true }, mounts, linux: { namespaces } };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
    const child = startChild('runc', [...state, 'run', '--bundle', bundle, id]);
    started.push(id);
    return {
      ...child,
      /** Runs a program beside the container's own, as a health check does. */
      exec: (args: readonly string[]) => tryTool('runc', [...state, 'exec', id, ...args]),
      signal: (name: string) => runTool('runc', [...state, 'kill', id, name]),
    };
  };
}

function bind(source: string, destination: string) {
  return { destination, type: 'bind', source, options: ['bind', 'ro'] };
}
