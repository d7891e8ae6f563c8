import { z } from 'zod';
import { tenantOrCiRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import { text } from '../../http/text.ts';
import { ApiKey } from '../key-schemas.ts';
import type { KeySchemas } from '../key-schemas.ts';
import { viewUsed } from '../view-used.ts';
import type { Viewing } from '../view-used.ts';
import type { makeResumeKey } from './resume-key.ts';
import type { makeSuspendKey } from './suspend-key.ts';

type Deps = Viewing & {
  schemas: Pick<KeySchemas, 'KeyParams'>;
  /** The scopes that the routes require. */
  mayWrite: readonly string[];
  suspendKey: ReturnType<typeof makeSuspendKey>;
  resumeKey: ReturnType<typeof makeResumeKey>;
};

const MAX_REASON = 200;

const SuspendKeyBody = z
  .strictObject({
    reason: text({ min: 1, max: MAX_REASON })
      .optional()
      .describe('Why it is suspended, for the people who see the key. The audit log and webhooks have it, too.'),
  })
  .prefault({})
  .meta({ id: 'SuspendApiKey' });

// As with revocations, an API key never suspends keys, with any scopes. An organization in any billing posture suspends and
// resumes, so that an overdue one can end a suspension that it began.
const ACCESS = { tag: 'API keys', callers: ['user', 'machine'], billing: 'wind_down' } as const;

/** The routes that stop a key for a while. */
export function suspensionRoutes({ schemas, mayWrite, suspendKey, resumeKey, ...viewing }: Deps): Route[] {
  const common = { ...ACCESS, scope: mayWrite, params: schemas.KeyParams, responses: { 200: ApiKey } };
  return [
    tenantOrCiRoute({
      ...common,
      operationId: 'suspendApiKey',
      method: 'post',
      path: '/v1/api-keys/{id}/suspend',
      summary: 'Suspend an API key',
      description:
        'The key is refused from this answer on, until it is resumed. It still expires, counts towards the quota, and cannot be rotated. Of a rotation with a grace, the other key goes on. Works in every billing posture; suspending again changes nothing.',
      body: SuspendKeyBody,
      errors: ['api_key_not_found'],
      handle: async ({ caller, params, body, context }) =>
        viewUsed(viewing, await suspendKey(caller, params.id, body.reason, context)),
    }),
    tenantOrCiRoute({
      ...common,
      operationId: 'resumeApiKey',
      method: 'post',
      path: '/v1/api-keys/{id}/resume',
      summary: 'Resume a suspended API key',
      description:
        'The key works again, with the same secret. The owner of a personal key and a CI session resume what they suspended themselves. Works in every billing posture; a key that is not suspended stays as it is.',
      impersonated: 'update',
      errors: ['api_key_not_found'],
      handle: async ({ caller, params, context }) => viewUsed(viewing, await resumeKey(caller, params.id, context)),
    }),
  ];
}
