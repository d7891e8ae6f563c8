import { randomBytes } from 'node:crypto';
import type { Answer } from './client.ts';
import { Skip } from './finding.ts';
import { expectStatus, need } from './read.ts';
import type { Credentials, World } from './world.ts';

export const PASSWORD_GRANT = 'password';
export const REFRESH_GRANT = 'refresh_token';

const DEFAULT_DOMAIN = 'example.com';

export async function makePerson(
  world: World,
  name: string,
  { verified }: { verified: boolean },
): Promise<Credentials & { id: string }> {
  const email = `latchkey-doctor-${world.mark}-${name}@${world.options.emailDomain ?? DEFAULT_DOMAIN}`;
  const password = `${randomBytes(18).toString('base64url')}-Aa1!`;
  world.secrets.add(password);
  const body = { email, password, email_verified: verified };
  const made = expectStatus(await world.call('POST', '/user_management/users', { body }), 'a new person', 201);
  const id = need(made, 'the new person', 'id');
  world.undo(`user ${id}`, async () => {
    expectStatus(await world.after('DELETE', `/user_management/users/${id}`), 'the deletion', 200, 204, 404);
  });
  return { id, email, password };
}

export async function join(world: World, userId: string, organizationId: string): Promise<Answer> {
  const body = { user_id: userId, organization_id: organizationId };
  return expectStatus(
    await world.call('POST', '/user_management/organization_memberships', { body }),
    'a membership',
    201,
  );
}

/** Requests tokens from AuthKit, and hides them in the report. */
export async function authenticate(world: World, grantType: string, fields: object): Promise<Answer> {
  const { clientIds, apiKey } = world.target;
  const body = { grant_type: grantType, client_id: clientIds[0], client_secret: apiKey, ...fields };
  const answer = await world.call('POST', '/user_management/authenticate', { body });
  if (answer.status === 200)
    world.secrets.add(need(answer, 'a sign-in', 'access_token'), need(answer, 'a sign-in', 'refresh_token'));
  return answer;
}

export function signedIn({ facts }: World): NonNullable<World['facts']['session']> {
  if (facts.session) return facts.session;
  throw new Skip('The sign-in failed.');
}

export function person({ facts }: World): NonNullable<World['facts']['person']> {
  if (facts.person) return facts.person;
  throw new Skip('Creating the person failed.');
}
