import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLifetime } from '../../src/process/shutdown.ts';
import { runChild, startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { openBrowser } from './browser.ts';
import type { Browser } from './browser.ts';

// Plays the commands of examples/express-authkit/README.md and examples/nextjs-authkit/README.md.
// `npm run try:apps`: installs and builds the apps of examples/ in separate folders, signs in against the local WorkOS of
// the embedded start, and checks that Latchkey accepts the session, as a bearer token and as a sealed cookie. Needs a
// package registry.

const ROOT = join(import.meta.dirname, '..', '..');
const PASSWORD = 'latchkey-demo';
const SLOW_MS = 300_000;
const APPS = [
  {
    folder: 'express-authkit',
    host: '127.0.0.1',
    entry: '/',
    signOut: '/logout',
    started: /Express app on/,
    build: false,
  },
  // Next.js redirects to this name, whatever the address it listens on.
  { folder: 'nextjs-authkit', host: 'localhost', entry: '/', signOut: '/sign-out', started: /Ready in/, build: true },
] as const;
type App = (typeof APPS)[number];
type Local = { latchkeyUrl: string; workosUrl: string; cookiePassword: string };

const lifetime = makeLifetime();
try {
  const local = await startLatchkey();
  await addPersonInTwoOrganizations(local);
  for (const app of APPS) await tryApp(app, local);
  say('both apps sign in against the local WorkOS, and their sessions open Latchkey');
} finally {
  await lifetime.end();
}

async function startLatchkey(): Promise<Local> {
  const folder = await temporaryFolder();
  const [port, workosPort] = [await freePort(), await freePort()];
  const env = { LATCHKEY_DATA_DIR: folder, PORT: String(port), WORKOS_PORT: String(workosPort) };
  const service = startChild('npm', ['start'], { cwd: ROOT, env });
  lifetime.onEnd(() => end(service));
  const latchkeyUrl = `http://127.0.0.1:${port}`;
  await answers(`${latchkeyUrl}/readyz`);
  const cookiePassword = await readFile(join(folder, 'cookie-password'), 'utf8');
  return { latchkeyUrl, workosUrl: `http://127.0.0.1:${workosPort}`, cookiePassword };
}

async function addPersonInTwoOrganizations({ workosUrl }: Local): Promise<void> {
  const { id } = await atWorkos<{ id: string }>(workosUrl, '/user_management/users', {
    email: 'twofold@acme.test',
    password: PASSWORD,
    email_verified: true,
  });
  for (const [organization, role] of [
    ['org_acme', 'member'],
    ['org_globex', 'owner'],
  ])
    await atWorkos(workosUrl, '/user_management/organization_memberships', {
      user_id: id,
      organization_id: organization,
      role_slug: role,
    });
}

async function atWorkos<Answer>(workosUrl: string, path: string, body: object): Promise<Answer> {
  const response = await fetch(`${workosUrl}${path}`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_latchkey', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  check(response.ok, `POST ${path} is answered`, String(response.status));
  return (await response.json()) as Answer;
}

async function tryApp(app: App, local: Local): Promise<void> {
  const url = await startApp(app, local);
  const owner = openBrowser();
  const signInPage = await owner.open(`${url}${app.entry}`);
  check(signInPage.url.startsWith(local.workosUrl), `${app.folder} leads to the sign-in page`, signInPage.text);
  const wrong = await owner.submit(signInPage, { email: 'owner@acme.test', password: 'wrong' });
  check(wrong.status === 401, `${app.folder}: a wrong password is refused`, wrong.text);
  const home = await owner.submit(wrong, { email: 'owner@acme.test', password: PASSWORD });
  check(home.status === 200 && home.text.includes('owner@acme.test'), `${app.folder} signs in`, home.text);
  check(home.text.includes('org_acme'), `${app.folder}: its access token opens Latchkey`, home.text);
  await opensLatchkey(app, owner, { url, organization: 'org_acme', ...local });

  const member = openBrowser();
  const choice = await member.submit(await member.open(`${url}${app.entry}`), {
    email: 'twofold@acme.test',
    password: PASSWORD,
  });
  await member.submit(choice, { chosen_organization_id: 'org_globex' });
  await opensLatchkey(app, member, { url, organization: 'org_globex', ...local });

  await member.open(`${url}${app.signOut}`);
  const again = await member.open(`${url}${app.entry}`);
  check(again.url.startsWith(local.workosUrl), `${app.folder} signs out`, again.text);
}

type Expected = { url: string; organization: string; latchkeyUrl: string };

/** The browser's cookies, for a Latchkey on the host of the app. */
async function opensLatchkey(app: App, browser: Browser, expected: Expected): Promise<void> {
  const response = await fetch(`${expected.latchkeyUrl}/v1/me/session`, {
    headers: { cookie: browser.cookiesFor(expected.url) },
  });
  const text = await response.text();
  const opens = response.status === 200 && text.includes(expected.organization);
  check(opens, `${app.folder}: its cookie opens Latchkey as ${expected.organization}`, text);
}

async function startApp(app: App, local: Local): Promise<string> {
  const folder = join(await temporaryFolder(), app.folder);
  await cp(join(ROOT, 'examples', app.folder), folder, { recursive: true });
  const port = await freePort();
  const url = `http://${app.host}:${port}`;
  const env = { ...environment(local), PORT: String(port), NEXT_PUBLIC_WORKOS_REDIRECT_URI: `${url}/callback` };
  await npm(['ci', '--no-audit', '--loglevel=error'], folder, env);
  if (app.build) await npm(['run', 'build'], folder, env);
  const child = startChild('npm', ['start'], { cwd: folder, env });
  lifetime.onEnd(() => end(child));
  await child.saw(app.started, SLOW_MS);
  return url;
}

/** The variables that their documentation asks for, and the URL of Latchkey. */
function environment({ latchkeyUrl, workosUrl, cookiePassword }: Local): Record<string, string> {
  const workos = new URL(workosUrl);
  return {
    NEXT_TELEMETRY_DISABLED: '1',
    WORKOS_API_KEY: 'sk_test_latchkey',
    WORKOS_CLIENT_ID: 'client_latchkey',
    WORKOS_COOKIE_PASSWORD: cookiePassword,
    WORKOS_API_URL: workosUrl,
    WORKOS_API_HOSTNAME: workos.hostname,
    WORKOS_API_PORT: workos.port,
    WORKOS_API_HTTPS: 'false',
    LATCHKEY_URL: latchkeyUrl,
  };
}

async function npm(args: readonly string[], cwd: string, env: Record<string, string>): Promise<void> {
  // With the machine's own settings, which may name its registry.
  const machine = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const { code, stdout, stderr } = await runChild('npm', args, {
    cwd,
    env: { ...Object.fromEntries(machine), ...env },
  });
  check(code === 0, `npm ${args.slice(0, 2).join(' ')} of ${cwd.split('/').at(-1)}`, `${stdout}\n${stderr}`);
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-apps-'));
  lifetime.onEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function answers(url: string): Promise<void> {
  const deadline = Date.now() + SLOW_MS;
  for (;;) {
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    if (Date.now() > deadline) throw new Error(`${url} did not answer.`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function end(child: Child): Promise<void> {
  child.kill('SIGTERM');
  await child.exited;
}

function check(holds: boolean, what: string, seen = ''): void {
  if (!holds) throw new Error(`Failed: ${what}. ${seen.slice(0, 4_000)}`);
  say(what);
}

function say(line: string): void {
  process.stdout.write(`  ${line}\n`);
}
