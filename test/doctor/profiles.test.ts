import { expect, it } from 'vitest';
import { exitCodeOf } from '../../src/doctor/doctor.ts';
import { writeReport } from '../../src/doctor/report.ts';
import { DEMO, demoSeed } from '../../src/emulator/demo.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import type { ProfileName } from '../../src/emulator/profile/profiles.ts';
import { PROFILE_NAMES } from '../../src/emulator/profile/profiles.ts';
import { applicationCookie, examineLocal, namesOf, personOf } from './examination.ts';

/** The findings of each profile; `!` marks those that break something. */
const EXPECTED: Record<ProfileName, readonly string[]> = {
  default: [],
  strict: [
    'cookie-name',
    'issuer',
    'timestamp-form',
    '!audit-schemas',
    'unknown-fields',
    'idempotency-not-honoured',
    'membership-organization-name',
  ],
  'dashed-cookie': ['cookie-name'],
  'own-cookie': ['!cookie-name'],
  'large-cookie': ['!cookie-too-large'],
  'split-cookie': ['!cookie-too-large', 'cookie-split'],
  'bare-issuer': ['issuer'],
  'slash-issuer': ['issuer'],
  'sso-issuer': ['issuer'],
  'workos-issuer': ['issuer'],
  'custom-domain': ['!issuer'],
  'plain-timestamps': ['timestamp-form'],
  'unreadable-timestamps': ['!timestamp-form'],
  'late-events': ['late-events'],
  'audit-schemas': ['!audit-schemas'],
  'rate-limit': ['rate-limit'],
  'silent-rate-limit': ['rate-limit-silent'],
  'older-prefix': ['key-prefix'],
  'other-prefix': ['!key-prefix'],
  'short-names': ['!key-name-limit'],
  'refused-permissions': ['!permission-refused'],
  'owner-of-tomorrow': ['owner-kind'],
  'fields-of-tomorrow': ['unknown-fields'],
  'password-disabled': ['!sign-in-refused'],
  'sso-required': ['!sign-in-refused'],
  'mfa-required': ['!sign-in-refused'],
  'no-replay': ['idempotency-not-honoured'],
  'no-organization-names': ['membership-organization-name'],
};
const WITH_BURST: readonly ProfileName[] = ['rate-limit', 'silent-rate-limit'];

const count = async (emulator: Emulator): Promise<object> => {
  const response = await fetch(`${emulator.url}/_emulator/state`, {
    headers: { authorization: `Bearer ${emulator.apiKey}` },
  });
  const { organizations, users, memberships, api_keys, webhook_endpoints, machine_clients } =
    (await response.json()) as Record<string, number>;
  return { organizations, users, memberships, api_keys, webhook_endpoints, machine_clients };
};

it.each(PROFILE_NAMES)('reports the differences of the profile %s, and leaves nothing behind', async (profile) => {
  const emulator = await startEmulator({ port: 0, stateFile: ':memory:', seed: demoSeed });
  const before = await count(emulator);
  emulator.behave({ profile });
  const mayCookie = !EXPECTED[profile].includes('!sign-in-refused');
  const cookie = mayCookie ? await applicationCookie(emulator) : undefined;
  const burstKey = WITH_BURST.includes(profile) ? emulator.apiKey : undefined;
  const examination = await examineLocal(emulator, { cookie, burstKey, ...personOf(emulator) });
  emulator.behave({ profile: 'default' });
  const report = writeReport(examination, '0');
  const found = namesOf(examination);
  expect(found.toSorted()).toEqual(EXPECTED[profile].toSorted());
  expect(examination.left).toEqual([]);
  expect(await count(emulator)).toEqual(before);
  const breaks = found.some((name) => name.startsWith('!'));
  expect(exitCodeOf(examination)).toBe(breaks ? 1 : 0);
  for (const secret of [emulator.apiKey, DEMO.password, 'Fe26.2', 'eyJ', 'whsec_'])
    expect(report).not.toContain(secret);
  await emulator.close();
});
