import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { runTool } from './tools.ts';

// No registry of images is within reach of CI. What stands in for the two bases of the Containerfile is made of Debian's packages
// and of the Node that `npm ci` brought: for the runtime what a distroless image has, for the build a shell and npm.
const RUNTIME = [
  'base-files',
  'ca-certificates',
  'gcc-12-base',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'netbase',
  'tzdata',
];
const SHELL = ['coreutils', 'dash', 'libacl1', 'libattr1', 'libgmp10', 'libpcre2-8-0', 'libselinux1', 'libssl3'];
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

export type Bases = { runtime: string; build: string };

/** Writes the file systems of both bases below a folder, each beside a Containerfile that takes it as it is. */
export function makeBases(folder: string): Bases {
  const packages = join(folder, 'packages');
  mkdirSync(packages, { recursive: true });
  runTool('apt-get', ['download', '--quiet', ...RUNTIME, ...SHELL], { cwd: packages });
  const runtime = base(join(folder, 'runtime'), '');
  for (const name of RUNTIME) unpack(packages, name, runtime);
  mkdirSync(join(runtime, 'nodejs', 'bin'), { recursive: true });
  copyFileSync(process.execPath, join(runtime, 'nodejs', 'bin', 'node'));
  const build = base(join(folder, 'build'), buildEnvironment());
  for (const name of [...RUNTIME, ...SHELL]) unpack(packages, name, build);
  addNpm(build);
  return { runtime: dirname(runtime), build: dirname(build) };
}

function base(folder: string, environment: string): string {
  const files = join(folder, 'files');
  mkdirSync(files, { recursive: true });
  writeFileSync(join(folder, 'Containerfile'), `FROM scratch\nCOPY files /\n${environment}`);
  return files;
}

/** What npm needs inside: the packages that `npm ci` of the clone has fetched, and the way to a registry for the rest. */
function buildEnvironment(): string {
  const registry = runTool('npm', ['config', 'get', 'registry', '--loglevel=error']).trim();
  return `ENV PATH=/usr/local/bin:/usr/bin:/bin NPM_CONFIG_CACHE=/npm NPM_CONFIG_PREFER_OFFLINE=true \\
  NPM_CONFIG_REGISTRY=${registry} NODE_EXTRA_CA_CERTS=${CERTIFICATES}\n`;
}

function unpack(packages: string, name: string, into: string): void {
  const [file] = globSync(`${name}_*.deb`, { cwd: packages });
  if (file === undefined) throw new Error(`apt-get downloaded no ${name}`);
  runTool('dpkg-deb', ['--extract', join(packages, file), into]);
}

function addNpm(build: string): void {
  const [bin, modules] = ['bin', 'lib/node_modules'].map((path) => join(build, 'usr', 'local', path)) as [
    string,
    string,
  ];
  mkdirSync(bin, { recursive: true });
  mkdirSync(modules, { recursive: true });
  copyFileSync(process.execPath, join(bin, 'node'));
  const npm = realpathSync(join(runTool('npm', ['root', '--global', '--loglevel=error']).trim(), 'npm'));
  cpSync(npm, join(modules, 'npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
  mkdirSync(join(build, dirname(CERTIFICATES)), { recursive: true });
  if (existsSync(CERTIFICATES)) copyFileSync(CERTIFICATES, join(build, CERTIFICATES));
}
