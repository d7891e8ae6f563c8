import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import { coded, notFound } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import { Timestamp } from './api-key-fields.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import type { ApiKeyRow } from './api-key.ts';
import { toApiKey } from './api-key.ts';

type Deps = { apiKeys: ApiKeyStore; clock: Clock };

const Validation = z.object({ value: z.string().max(1_024) });
const Expiry = z.object({ expires_at: Timestamp.nullish() });

export function apiKeyRoutes(deps: Deps): Route[] {
  return [
    // A replayed answer would let a revoked key pass.
    {
      method: 'post',
      path: '/api_keys/validations',
      access: 'environment',
      replay: false,
      handle: ({ body }) => validate(deps, body),
    },
    { method: 'post', path: '/api_keys/:id/expire', access: 'environment', handle: (request) => expire(deps, request) },
    {
      method: 'delete',
      path: '/api_keys/:id',
      access: 'environment',
      handle: ({ params }) => {
        deps.apiKeys.delete(getKey(deps, params['id']!));
        return { status: 204 };
      },
    },
  ];
}

/** Answers every invalid key alike, without the reason. */
function validate({ apiKeys, clock }: Deps, body: unknown): Reply {
  const row = apiKeys.findByValue(parse(Validation, body).value);
  const apiKey = row && !hasExpired(row, clock) ? toApiKey(apiKeys.touch(row)) : null;
  return { status: 200, body: { api_key: apiKey } };
}

/** Sets the expiry: now if left out or past, never if `null`. */
function expire(deps: Deps, { params, body }: Request): Reply {
  const { apiKeys, clock } = deps;
  const { expires_at: wanted } = parse(Expiry, body);
  const row = getKey(deps, params['id']!);
  if (hasExpired(row, clock)) throw coded(409, 'api_key_already_expired', 'API key is already expired');
  const expiresAt = wanted === null ? null : earliestNow(clock, wanted);
  const changed = expiresAt === row.expires_at ? row : apiKeys.setExpiry(row, expiresAt);
  return { status: 200, body: toApiKey(changed) };
}

function earliestNow(clock: Clock, wanted: string | undefined): string {
  const now = timestamp(clock);
  return wanted !== undefined && wanted > now ? wanted : now;
}

const hasExpired = (row: ApiKeyRow, clock: Clock): boolean =>
  row.expires_at !== null && new Date(row.expires_at) <= clock();

function getKey({ apiKeys }: Deps, id: string): ApiKeyRow {
  const row = apiKeys.find(id);
  if (!row) throw notFound('API Key', id);
  return row;
}
