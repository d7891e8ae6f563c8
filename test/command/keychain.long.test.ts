import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeRunProgram } from '../../src/command/process-context.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { openTerminal, temporaryFolder } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const service = await startService();
const env = { LATCHKEY_URL: service.url };
const PATH = process.env['PATH'];
const HOUR_MS = 3_600_000;

// As libsecret's tool: silent for an item that is not there, and the secret by standard input.
const SECRET_TOOL = `#!/bin/sh
[ -f "$STORE/.locked" ] && { echo 'secret-tool: Cannot get secret of a locked object' >&2; exit 1; }
[ -f "$STORE/.hangs" ] && exec sleep 600
verb=$1; shift
[ "$verb" = store ] && shift
item="$STORE/$(printf %s "$*" | tr -c 'a-z0-9' _)"
case "$verb" in
  store) cat > "$item" ;;
  lookup) [ -f "$item" ] && cat "$item" || exit 1 ;;
  clear) [ -f "$item" ] && rm "$item" || exit 1 ;;
  *) exit 2 ;;
esac
`;
// As macOS's: a command on standard input with -i, which ends with 0 whatever becomes of it; 44 for an item that is not there.
const SECURITY = `#!/bin/sh
[ -f "$STORE/.locked" ] && { echo 'security: SecKeychainItemCopyContent: User interaction is not allowed.' >&2; exit 36; }
[ -f "$STORE/.hangs" ] && exec sleep 600
if [ "$1" = -i ]; then
  read -r verb update s service a account w value
  [ "$verb $update $s $a $w" = 'add-generic-password -U -s -a -w' ] && printf '%s\\n' "$value" > "$STORE/$service-$account"
  exit 0
fi
item="$STORE/$3-$5"
[ -f "$item" ] || { echo 'security: The specified item could not be found in the keychain.' >&2; exit 44; }
case "$1" in
  find-generic-password) [ "$6" = -w ] && cat "$item" ;;
  delete-generic-password) rm "$item" ;;
esac
`;

/** Runs programs, and gives them the time that a busy machine needs. */
function makePatientRun(environment: Record<string, string | undefined>): ReturnType<typeof makeRunProgram> {
  const runProgram = makeRunProgram(environment);
  return async (program, args, { timeoutMs, ...given } = {}) =>
    runProgram(program, args, { ...given, ...(timeoutMs !== undefined && { timeoutMs: timeoutMs * 10 }) });
}

type Options = Parameters<typeof openTerminal>[0];
type Kept = { terminal: Terminal; keys: () => Promise<string[]>; set: (state: '.locked' | '.hangs') => Promise<void> };

/** A terminal on a system with a keychain, whose tool is on its path. */
async function withKeychain(
  platform: 'linux' | 'darwin',
  options: Options = {},
): Promise<Kept & { runs: Options; environment: Record<string, string> }> {
  const folder = await temporaryFolder();
  const [store, bin] = [join(folder, 'store'), join(folder, 'bin')];
  await Promise.all([mkdir(store), mkdir(bin)]);
  const tool = join(bin, platform === 'linux' ? 'secret-tool' : 'security');
  await writeFile(tool, platform === 'linux' ? SECRET_TOOL : SECURITY);
  await chmod(tool, 0o755);
  const environment = { PATH: `${bin}:${PATH}`, STORE: store };
  const runs = { env, platform, runProgram: makePatientRun(environment) };
  const items = async () => (await readdir(store)).filter((name) => !name.startsWith('.'));
  return {
    runs,
    environment,
    terminal: await openTerminal({ ...runs, ...options }),
    keys: async () => Promise.all((await items()).map(async (name) => readFile(join(store, name), 'utf8'))),
    set: async (state) => writeFile(join(store, state), ''),
  };
}

const fileOf = ({ folder }: Terminal) => join(folder, 'config', 'credentials.json');
const stored = async (terminal: Terminal) => readFile(fileOf(terminal), 'utf8');
const machine = async () => {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const secret = 'secret-of-the-machine';
  service.workos.seed({
    machineClients: [{ clientId: acme.machineClientId, secret, organizationId: acme.id, scopes: ['apikeys:read'] }],
  });
  return { acme, secret, args: ['login', '--machine', '--client-id', acme.machineClientId] };
};
const LOGIN = ['login', '--with-token'];

describe.each(['linux', 'darwin'] as const)('the keychain on %s', (platform) => {
  test('has the key that seals the credential, and neither is in the file or on a command line', async () => {
    const { terminal, keys } = await withKeychain(platform, { stdin: SERVICE_TOKEN });
    const ran = await terminal.run(...LOGIN);
    expect([ran.code, ran.stderr]).toEqual([
      0,
      `Signed in to ${service.url}. The credential is in ${fileOf(terminal)}, sealed with a key in the keychain.\n`,
    ]);
    const [key = ''] = await keys();
    expect(Buffer.from(key, 'base64url')).toHaveLength(32);
    const seen = [await stored(terminal), ...terminal.programs.flatMap(({ args }) => args)].join('\n');
    expect([seen.includes(SERVICE_TOKEN), seen.includes(key.trim())]).toEqual([false, false]);
    expect((await terminal.run('doctor')).stdout).toContain('credential: a service token');
    expect((await terminal.run(...LOGIN, '--profile', 'second')).code).toBe(0);
    expect(await keys()).toEqual([key]);
    await terminal.run('logout');
    expect(await keys()).toEqual([key]);
    await terminal.run('logout', '--profile', 'second');
    expect(await keys()).toEqual([]);
  });

  test('opens no credential whose URL was changed, and none with another key', async () => {
    const { terminal } = await withKeychain(platform, { stdin: SERVICE_TOKEN });
    await terminal.run(...LOGIN);
    const asStored = await stored(terminal);
    await writeFile(fileOf(terminal), asStored.replace(service.url, 'https://evil.test'));
    const stolen = await terminal.run('whoami', '--url', 'https://evil.test');
    expect([stolen.code, stolen.stderr]).toEqual([4, expect.stringContaining('or changed. Run latchkey login again.')]);
    const { runs } = await withKeychain(platform);
    const moved = await openTerminal({ ...runs, folder: terminal.folder });
    await writeFile(fileOf(terminal), asStored);
    expect(await moved.run('whoami')).toMatchObject({ code: 4, stderr: expect.stringContaining('has no key') });
  });

  test('is named when it does not open, and --in-file does without it', async () => {
    const { terminal, set, keys } = await withKeychain(platform, { stdin: SERVICE_TOKEN });
    await terminal.run(...LOGIN);
    await set('.locked');
    expect(await terminal.run('whoami')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(
        /^The keychain does not open \(.+\)\. Unlock it, or run latchkey login --in-file\.\n$/,
      ),
    });
    const { stderr } = await terminal.run(...LOGIN, '--in-file');
    expect(stderr).toContain('which only you can read, as you asked.');
    expect([(await terminal.run('doctor')).stdout, (await keys()).length]).toEqual([
      expect.stringContaining('credential: a service token'),
      1,
    ]);
  });

  test('is waited for two seconds at a login; then the credential is in the file', async () => {
    const { runs, environment, set } = await withKeychain(platform);
    await set('.hangs');
    const runProgram = makeRunProgram(environment);
    const terminal = await openTerminal({ ...runs, stdin: SERVICE_TOKEN, runProgram });
    const { code, stderr } = await terminal.run(...LOGIN);
    expect([code, stderr]).toEqual([0, expect.stringContaining('did not answer within 2 s.')]);
    expect(await stored(terminal)).toContain(SERVICE_TOKEN);
  });
});

test('a credential is in the file where the tool is not installed, or the system has none', async () => {
  const linux = await openTerminal({ env, stdin: SERVICE_TOKEN, runProgram: makeRunProgram({ PATH: '/nowhere' }) });
  expect((await linux.run(...LOGIN)).stderr).toContain('because there is no keychain: secret-tool is not installed.');
  const windows = await openTerminal({ env, stdin: SERVICE_TOKEN, platform: 'win32' });
  expect((await windows.run(...LOGIN)).stderr).toContain('this system has none that the command knows.');
});

describe('latchkey login --machine', () => {
  test('gets tokens by the client credentials, renews them, and keeps them sealed', async () => {
    const { acme, secret, args } = await machine();
    const { terminal, runs } = await withKeychain('linux', { stdin: secret });
    const signedIn = await terminal.run(...args);
    expect([signedIn.code, signedIn.stderr]).toEqual([0, expect.stringContaining('sealed with a key')]);
    const me = JSON.parse((await terminal.run('whoami', '--json')).stdout) as object;
    expect(me).toMatchObject({ kind: 'machine', organization_id: acme.id, client_id: acme.machineClientId });
    const before = await stored(terminal);
    expect(before).not.toContain(secret);
    const later = { ...runs, folder: terminal.folder, now: () => new Date(Date.now() + HOUR_MS) };
    expect((await (await openTerminal(later)).run('whoami')).code).toBe(0);
    const after = await stored(terminal);
    expect([after === before, after.includes('"sealed"')]).toEqual([false, true]);
    expect((await terminal.run('logout')).code).toBe(0);
  });

  test('exits with 4 for a wrong secret, and stores nothing', async () => {
    const { args } = await machine();
    const terminal = await openTerminal({ env, stdin: 'wrong' });
    const { code, stderr } = await terminal.run(...args);
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(/^WorkOS gave the machine \S+ no token \(invalid_client\)\.\n$/),
    ]);
    await expect(stored(terminal)).rejects.toThrow('ENOENT');
  });

  test.each([
    ['without a client', ['--machine'], '--machine needs --client-id'],
    ['with a client alone', ['--client-id', 'client_x'], '--client-id needs --machine'],
    ['with a token, too', ['--machine', '--with-token'], 'not both'],
    ['without a secret', ['--machine', '--client-id', 'client_x'], 'Give the secret of the client on standard input'],
  ])('exits with 2 %s', async (_, flags, message) => {
    const { code, stderr } = await (await openTerminal({ env })).run('login', ...flags);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

const hasKeyring = ['secret-tool', 'gnome-keyring-daemon', 'dbus-daemon'].every((tool) => {
  try {
    execFileSync('which', [tool], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

test.skipIf(!hasKeyring)(
  "seals with a key in GNOME's own keyring, by libsecret's own tool",
  async () => {
    const home = await temporaryFolder();
    const own = { PATH, HOME: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: join(home, 'data') };
    const [address = '', bus = ''] = execFileSync(
      'dbus-daemon',
      ['--session', '--fork', '--print-address=1', '--print-pid=1'],
      {
        env: own,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    ).split('\n');
    onTestFinished(() => void process.kill(Number(bus)));
    const session = { ...own, DBUS_SESSION_BUS_ADDRESS: address };
    // It leaves with its bus.
    execFileSync('gnome-keyring-daemon', ['--daemonize', '--unlock', '--components=secrets'], {
      env: session,
      input: 'password',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const runProgram = makePatientRun(session);
    const terminal = await openTerminal({ env, stdin: SERVICE_TOKEN, runProgram });
    expect((await terminal.run(...LOGIN)).stderr).toContain('sealed with a key in the keychain.');
    expect((await terminal.run('doctor')).stdout).toContain('credential: a service token');
    await terminal.run('logout');
    const item = terminal.programs.find(({ args }) => args[0] === 'lookup');
    expect(await runProgram('secret-tool', item!.args)).toEqual({ code: 1, stdout: '', stderr: '' });
  },
  120_000,
);
