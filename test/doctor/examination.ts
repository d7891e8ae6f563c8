import { pino } from 'pino';
import { readConfig } from '../../src/app/read-config.ts';
import { makeJudge } from '../../src/app/readers.ts';
import type { Examination } from '../../src/doctor/doctor.ts';
import { examine } from '../../src/doctor/doctor.ts';
import type { DoctorOptions, Judge } from '../../src/doctor/world.ts';
import { DEMO } from '../../src/emulator/demo.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { packageFile } from '../../src/config/package-file.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeSealedSignIn } from '../../src/workos/sealed-sign-in.ts';

export const COOKIE_PASSWORD = 'a cookie password of the tests, long enough';
const SECRET = 'a secret of the tests that is long enough';

export const environmentOf = (emulator: Emulator): Record<string, string> => ({
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  WORKOS_API_KEY: emulator.apiKey,
  WORKOS_CLIENT_ID: emulator.clientId,
  WORKOS_API_URL: emulator.url,
  WORKOS_AUTHKIT_URL: emulator.url,
  WORKOS_COOKIE_PASSWORD: COOKIE_PASSWORD,
  LATCHKEY_SECRET: SECRET,
});

type Options = Partial<DoctorOptions> & {
  signal?: AbortSignal;
  judge?: Partial<Judge>;
  onStep?: Parameters<typeof examine>[0]['onStep'];
};

export function examineLocal(
  emulator: Emulator,
  { signal, judge, onStep, ...options }: Options = {},
): Promise<Examination> {
  const config = readConfig(environmentOf(emulator));
  const product = readProduct(packageFile('config/evershell.yaml'));
  return examine({
    target: config.workos,
    product,
    judge: { ...makeJudge({ config, product, log: pino({ level: 'silent' }) }), ...judge },
    options: { waitMs: 5_000, pauseMs: 100, ...options },
    timeoutMs: 5_000,
    secrets: [config.workos.apiKey, COOKIE_PASSWORD, SECRET],
    signal: signal ?? new AbortController().signal,
    ...(onStep && { onStep }),
  });
}

/** Returns the `Cookie` header of a demo person's browser, signed in to an application on this WorkOS. */
export async function applicationCookie(emulator: Emulator): Promise<string> {
  const { apiKey, clientId, url: apiUrl } = emulator;
  const signIn = makeSealedSignIn({ apiKey, clientId, apiUrl, cookiePassword: COOKIE_PASSWORD, timeoutMs: 5_000 });
  const sealed = await signIn({
    email: DEMO.email('acme', 'owner'),
    password: DEMO.password,
    organizationId: DEMO.organizationId('acme'),
  });
  return emulator.sessionCookie(sealed);
}

/** Plays the person at the pages of the local WorkOS. */
export const personOf = (emulator: Emulator): Required<Pick<DoctorOptions, 'confirmDevice' | 'browserCode'>> => {
  const post = async (path: string, form: Record<string, string>): Promise<Response> =>
    fetch(`${emulator.url}${path}`, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
  const choose = async (path: string, form: Record<string, string>, page: Response): Promise<Response> => {
    const text = await page.text();
    const token = /name="pending_authentication_token" value="(?<token>\w+)"/.exec(text)!.groups!['token']!;
    const organization = /name="chosen_organization_id" value="(?<id>\w+)"/.exec(text)!.groups!['id']!;
    return post(path, { ...form, pending_authentication_token: token, chosen_organization_id: organization });
  };
  return {
    confirmDevice: async ({ userCode, email, password }) => {
      const form = { user_code: userCode };
      await choose('/device', form, await post('/device', { ...form, email, password }));
    },
    browserCode: async ({ email, password }) => {
      const path = '/user_management/authorize';
      const form = {
        client_id: emulator.clientId,
        response_type: 'code',
        provider: 'authkit',
        redirect_uri: 'http://127.0.0.1/callback',
      };
      const answer = await choose(path, form, await post(path, { ...form, email, password }));
      return { code: new URL(answer.headers.get('location')!).searchParams.get('code')! };
    },
  };
};

export const namesOf = ({ steps }: Examination): string[] => [
  ...new Set(steps.flatMap(({ findings }) => findings.map(({ name, breaks }) => (breaks ? `!${name}` : name)))),
];
