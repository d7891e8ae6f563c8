import { expect, test } from 'vitest';
import { LatchkeyError, createLatchkeyClient } from '../../src/client/client.ts';
import { PASSWORD, addPerson } from '../sessions/sign-in/sign-in.ts';
import { startService } from '../support/service.ts';

const service = await startService({}, { product: { sessions: { password_sign_in: true } } });
const clientWith = (token: string) => createLatchkeyClient({ baseUrl: service.url, token });

test('auth.login signs in, auth.refresh renews, auth.logout signs out', async () => {
  const { email, userId, organizations } = await addPerson(service);
  const nobody = clientWith('');
  const first = await nobody.auth.login({ email, password: PASSWORD });
  expect(first).toMatchObject({ user: { id: userId, email }, organization_id: organizations[0] });
  const next = await nobody.auth.refresh({ refresh_token: first.refresh_token! });
  const person = clientWith(next.access_token);
  expect(await person.auth.checkToken()).toEqual({ valid: true, organization_id: organizations[0] });
  expect(await person.auth.logout()).toEqual({ status: 'signed_out' });
  await expect(person.auth.checkToken()).rejects.toMatchObject({
    code: 'credential_expired',
    details: { reason: 'signed_out' },
  });
});

test('auth.login takes the choice of an organization without the password', async () => {
  const { email, organizations } = await addPerson(service, 2);
  const asked: unknown = await clientWith('')
    .auth.login({ email, password: PASSWORD })
    .catch((error: unknown) => error);
  expect(asked).toBeInstanceOf(LatchkeyError);
  const { code, details } = asked as LatchkeyError;
  expect(code).toBe('organization_choice_required');
  const chosen = await clientWith('').auth.login({
    pending_authentication_token: String(details?.['pending_authentication_token']),
    organization_id: organizations[1]!,
  });
  expect(chosen.organization_id).toBe(organizations[1]);
});
