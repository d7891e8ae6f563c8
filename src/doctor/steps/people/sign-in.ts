import type { Answer } from '../../client.ts';
import { COPES } from '../../finding.ts';
import { organizationId } from '../../keys.ts';
import { authenticate, join, makePerson, PASSWORD_GRANT } from '../../people.ts';
import { describe, field, list, need, text } from '../../read.ts';
import type { World } from '../../world.ts';
import { makeOrganization } from '../organization.ts';

const SELECTION = 'urn:workos:oauth:grant-type:organization-selection';

/** Signs a person in with one organization and with two, with a wrong password, and with an unverified address. */
export async function signIn(world: World): Promise<void> {
  const made = await makePerson(world, 'member', { verified: true });
  const membership = await join(world, made.id, organizationId(world));
  world.facts.person = { ...made, membershipId: need(membership, 'the membership', 'id') };
  if (field(membership.body, 'organization_name') === undefined)
    world.differs({
      name: 'membership-organization-name',
      breaks: false,
      assumes: 'nothing: a membership need not name its organization',
      seen: 'no organization_name',
      todo: COPES,
    });
  const { email, password } = made;
  const wrong = await authenticate(world, PASSWORD_GRANT, { email, password: `${password}x` });
  world.note(`A wrong password: ${describe(wrong)}.`);
  if (!['invalid_credentials', 'invalid_grant'].includes(codeOf(wrong)))
    refused(world, 'wrong-password', wrong, 'that a wrong password is answered invalid_credentials or invalid_grant');
  const first = await authenticate(world, PASSWORD_GRANT, { email, password });
  if (first.status !== 200) {
    refused(world, 'sign-in-refused', first, 'that the right password signs in');
    return;
  }
  setSession(world, first);
  await signInToOneOfTwo(world);
  await signInUnverified(world);
}

const codeOf = ({ body }: Answer): string => text(body, 'code') ?? text(body, 'error') ?? '';

function setSession(world: World, answer: Answer): void {
  const [accessToken, refreshToken] = [
    need(answer, 'the sign-in', 'access_token'),
    need(answer, 'the sign-in', 'refresh_token'),
  ];
  world.facts.session = { accessToken, refreshToken };
}

function refused(world: World, name: string, answer: Answer, assumes: string): void {
  world.differs({
    name,
    breaks: true,
    assumes,
    seen: describe(answer),
    todo: 'Allow passwords in the WorkOS dashboard (Authentication), or use AuthKit alone. Steps that need a session are skipped.',
  });
}

async function signInToOneOfTwo(world: World): Promise<void> {
  const { id, email, password } = world.facts.person!;
  const second = await makeOrganization(world, `Latchkey doctor ${world.mark} second`);
  world.facts.second = { id: second.id };
  await join(world, id, second.id);
  const question = await authenticate(world, PASSWORD_GRANT, { email, password });
  const token = text(question.body, 'pending_authentication_token');
  world.secrets.add(token);
  const offered = list(question.body, 'organizations').length;
  if (codeOf(question) !== 'organization_selection_required' || token === undefined || offered !== 2) {
    refused(world, 'organization-selection', question, 'that a person in two organizations must choose one');
    return;
  }
  const fields = { pending_authentication_token: token, organization_id: organizationId(world) };
  const chosen = await authenticate(world, SELECTION, fields);
  if (chosen.status === 200) setSession(world, chosen);
  else refused(world, 'organization-selection', chosen, 'that the choice of an organization signs in');
}

async function signInUnverified(world: World): Promise<void> {
  const { email, password, id } = await makePerson(world, 'unverified', { verified: false });
  await join(world, id, organizationId(world));
  const answer = await authenticate(world, PASSWORD_GRANT, { email, password });
  world.secrets.add(text(answer.body, 'pending_authentication_token'));
  world.note(`An unverified address: ${describe(answer)}.`);
  if (answer.status === 200 || codeOf(answer) === 'email_verification_required') return;
  world.differs({
    name: 'unverified-email',
    breaks: false,
    assumes: 'that a sign-in with an unverified address asks for verification, or succeeds',
    seen: describe(answer),
    todo: 'Nothing: people see this code.',
  });
}
