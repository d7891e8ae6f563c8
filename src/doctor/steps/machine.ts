import type { Answer } from '../client.ts';
import { Skip } from '../finding.ts';
import { organizationId } from '../keys.ts';
import { describe, expectStatus, need } from '../read.ts';
import type { World } from '../world.ts';

/** Creates a machine application, and requests a token without a scope and with one. */
export async function machine(world: World): Promise<void> {
  const { authkitUrl } = world.target;
  if (authkitUrl === undefined) throw new Skip('WORKOS_AUTHKIT_URL is not set, so machine tokens are off.');
  const scope = world.product.scopes[0]!.scopes[0]!.name;
  const made = await makeApplication(world, [scope]);
  const id = need(made, 'the application', 'id');
  world.undo(`application ${id}`, async () => {
    expectStatus(await world.after('DELETE', `/connect/applications/${id}`), 'its deletion', 200, 204, 404);
  });
  const path = `/connect/applications/${id}/client_secrets`;
  const secret = need(expectStatus(await world.call('POST', path, { body: {} }), 'its secret', 201), 'it', 'secret');
  world.secrets.add(secret);
  const client = { client_id: need(made, 'the application', 'client_id'), client_secret: secret };
  for (const wanted of [undefined, scope]) {
    const form = { grant_type: 'client_credentials', ...client, ...(wanted !== undefined && { scope: wanted }) };
    await judgeToken(world, wanted, await world.call('POST', '/oauth2/token', { base: authkitUrl, form }));
  }
}

async function makeApplication(world: World, scopes: readonly string[]): Promise<Answer> {
  const fields = {
    name: `Latchkey doctor ${world.mark}`,
    application_type: 'm2m',
    organization_id: organizationId(world),
  };
  const answer = await world.call('POST', '/connect/applications', { body: { ...fields, scopes } });
  if (answer.status === 201) return answer;
  if (answer.status === 403 || answer.status === 404)
    throw new Skip(`The environment has no machine applications (${describe(answer)}).`);
  world.note(`An application with the scope ${scopes.join(' ')}: ${describe(answer)}; created without it.`);
  return expectStatus(
    await world.call('POST', '/connect/applications', { body: fields }),
    'a machine application',
    201,
  );
}

async function judgeToken(world: World, wanted: string | undefined, answer: Answer): Promise<void> {
  const what = wanted === undefined ? 'without a scope' : `with ${wanted}`;
  if (answer.status !== 200) {
    world.note(`A token ${what}: ${describe(answer)}.`);
    if (wanted === undefined) refused(world, describe(answer));
    else withoutScope(world, `${describe(answer)} for ${wanted}`);
    return;
  }
  const token = need(answer, 'the token', 'access_token');
  world.secrets.add(token);
  try {
    const { kind, scopes } = await world.judge.verifyToken(token);
    world.note(`A token ${what}: a ${kind} with ${scopes} scope(s).`);
    if (kind !== 'machine') refused(world, `it is read as a ${kind}`);
    else if (wanted !== undefined && scopes === 0) withoutScope(world, `a token without ${wanted}`);
  } catch (error) {
    refused(world, error instanceof Error ? error.message : String(error));
  }
}

function refused(world: World, seen: string): void {
  world.differs({
    name: 'machine-token',
    breaks: true,
    assumes: 'that a machine token comes from the AuthKit domain, for the client id, with an organization',
    seen,
    todo: 'Compare WORKOS_AUTHKIT_URL and WORKOS_CLIENT_ID with the environment.',
  });
}

function withoutScope(world: World, seen: string): void {
  world.differs({
    name: 'machine-scope',
    breaks: true,
    assumes: 'that a machine token has the requested scope of its application',
    seen,
    todo: 'Create the scopes of the product as permissions of the environment, and give them to machine applications; until then machine tokens grant nothing.',
  });
}
