import { coded } from '../http/http-error.ts';
import { mergeMetadata } from '../http/metadata.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request } from '../http/route.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';
import type { MembershipDeps } from './membership-routes.ts';
import { readPassword, UserCreation, UserUpdate } from './user-fields.ts';
import { findUserByEmail, findUserByExternalId, getUser, insertUser, toUser, updateUser } from './user-store.ts';

type Deps = MembershipDeps;

/** Creates a person, whose address is unverified unless the request says otherwise, as at WorkOS. */
export function createUser(deps: Deps, { body }: Request): Reply {
  const { email, metadata, email_verified: verified, external_id: externalId, ...input } = parse(UserCreation, body);
  if (findUserByEmail(deps.store, email)) throw creationError('email_not_available', 'This email is not available.');
  if (externalId != null && findUserByExternalId(deps.store, externalId))
    throw creationError('external_id_already_used', 'This external id is used by another user.');
  const row = insertUser(deps, {
    email,
    password_hash: readPassword(input) ?? null,
    first_name: input.first_name ?? null,
    last_name: input.last_name ?? null,
    name: input.name ?? null,
    email_verified: Number(verified ?? false),
    external_id: externalId ?? null,
    metadata: JSON.stringify(mergeMetadata({}, metadata)),
  });
  return { status: 201, body: toUser(row) };
}

const creationError = (code: string, message: string): Error =>
  coded(400, 'user_creation_error', 'Could not create user.', { errors: [{ code, message }] });

export function changeUser(deps: Deps, { params, body }: Request): Reply {
  const input = parse(UserUpdate, body);
  const row = getUser(deps.store, params['id']!);
  assertFree(deps.store, row.id, input);
  const { email, first_name, last_name, name, locale, external_id } = input;
  const changesAddress = email !== undefined && email.toLowerCase() !== row.email.toLowerCase();
  const verified = input.email_verified ?? (changesAddress ? false : undefined);
  const changed = updateUser(deps, row, {
    ...(email !== undefined && { email }),
    ...(first_name !== undefined && { first_name }),
    ...(last_name !== undefined && { last_name }),
    ...(name !== undefined && { name }),
    ...(locale !== undefined && { locale }),
    ...(external_id !== undefined && { external_id }),
    ...(verified !== undefined && { email_verified: Number(verified) }),
    ...passwordColumn(readPassword(input)),
    metadata: JSON.stringify(mergeMetadata(readJson<Record<string, string>>(row.metadata), input.metadata)),
  });
  return { status: 200, body: toUser(changed) };
}

const passwordColumn = (hash: string | undefined): { password_hash?: string } =>
  hash === undefined ? {} : { password_hash: hash };

function assertFree(
  store: Store,
  ownId: string,
  { email, external_id: externalId }: { email?: string | undefined; external_id?: string | null | undefined },
): void {
  const byEmail = email === undefined ? undefined : findUserByEmail(store, email);
  if (byEmail && byEmail.id !== ownId) throw coded(400, 'email_not_available', 'This email is not available.');
  const byExternalId = externalId == null ? undefined : findUserByExternalId(store, externalId);
  if (byExternalId && byExternalId.id !== ownId)
    throw coded(400, 'external_id_already_used', 'This external id is used by another user.');
}
