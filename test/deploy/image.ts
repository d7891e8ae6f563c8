import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { makeBases } from './bases.ts';
import { ROOT, runTool, tryTool } from './tools.ts';

/** What `docker inspect` shows of an image, as far as these tests read it. */
export type ImageConfig = {
  config: {
    User: string;
    Env: string[];
    Entrypoint: string[];
    Cmd: string[];
    WorkingDir: string;
    Healthcheck: { Test: string[] };
  };
};

const CONTAINERFILE = 'deploy/Containerfile';

/**
 * Builds the image with `buildah` in a store of its own below a folder; needs root, and no daemon. What it mounts ends with the
 * test file, in which this must be called outside of any test.
 */
export function makeImages(folder: string) {
  if (process.getuid?.() !== 0) throw new Error('these tests need root, for buildah and runc');
  const places = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run')];
  const hasOverlay = tryTool('buildah', [...places, '--storage-driver', 'overlay', 'info']).status === 0;
  const store = [...places, '--storage-driver', hasOverlay ? 'overlay' : 'vfs'];
  const buildah = (...args: string[]) => runTool('buildah', [...store, ...args]).trim();
  const working: string[] = [];
  afterAll(() => {
    for (const container of working) {
      buildah('umount', container);
      buildah('rm', container);
    }
    // The store mounts itself, and would outlive its folder.
    if (hasOverlay) tryTool('umount', [join(folder, 'store', 'overlay')]);
  });
  const bases = makeBases(join(folder, 'bases'));
  const [runtime, build] = ([bases.runtime, bases.build] as const).map((context) =>
    buildah('bud', '--quiet', '--isolation', 'chroot', '--timestamp', '0', context),
  ) as [string, string];
  const npmCache = runTool('npm', ['config', 'get', 'cache', '--loglevel=error']).trim();

  return {
    /** Returns the id of an image. */
    build(context: string): string {
      const bud = ['bud', '--quiet', '--isolation', 'chroot', '--timestamp', '0', '--no-cache', '--format', 'docker'];
      const from = ['--build-arg', `BUILD_IMAGE=${build}`, '--build-arg', `BASE_IMAGE=${runtime}`];
      return buildah(...bud, ...from, '--volume', `${npmCache}:/npm`, '--file', join(context, CONTAINERFILE), context);
    },
    /** Returns where the file system of an image is mounted until the tests end. */
    mount(image: string): string {
      const container = buildah('from', image);
      working.push(container);
      return buildah('mount', container);
    },
    configOf: (image: string) =>
      JSON.parse(
        (JSON.parse(buildah('inspect', '--type', 'image', image)) as { Config: string }).Config,
      ) as ImageConfig,
    /**
     * Returns the digest of an image as a registry keeps it, in OCI's form, and how many bytes of it travel. buildah's form of
     * Docker names the working container, so that ids of images never agree.
     */
    packed(image: string): { digest: string; bytes: number } {
      const [archive, digest] = [join(folder, `${image}.tar`), join(folder, `${image}.digest`)];
      buildah('push', '--quiet', '--format', 'oci', '--digestfile', digest, image, `oci-archive:${archive}`);
      return { digest: readFileSync(digest, 'utf8'), bytes: statSync(archive).size };
    },
  };
}

/** Copies what git knows into a folder, as a machine with another clock and a strict umask would have cloned it. */
export function cloneStrictly(into: string): void {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const file of files) {
    const copy = join(into, file);
    mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
    copyFileSync(join(ROOT, file), copy);
    chmodSync(copy, statSync(copy).mode & 0o700);
  }
  if (readFileSync(join(into, CONTAINERFILE)).length === 0) throw new Error('the copy is empty');
}
