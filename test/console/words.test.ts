import { describe, expect, it } from 'vitest';
import { LatchkeyError } from '../../src/client/client.ts';
import { makeMay } from '../../src/console/data/may.ts';
import { billingText } from '../../src/console/words/billing-text.ts';
import { fieldErrors, messageOf } from '../../src/console/words/messages.ts';
import { postureName, spaced } from '../../src/console/words/names.ts';
import { loadText } from '../../src/console/words/load-text.ts';
import { ERROR_CODES } from '../../src/errors.ts';

const english = await loadText(['en-GB']);
const german = await loadText(['fr', 'de-CH', 'en']);

const person = (permissions: string[], impersonator?: { id: string }) =>
  ({ user_id: 'user_1', permissions, ...(impersonator && { impersonator }) }) as never;
const key = (type: 'organization' | 'user', id: string) => ({ owner: { type, id } });

describe('loadText', () => {
  it('takes the first language that the console has, with its own formats', () => {
    expect(english.w.signOut).toBe('Sign out');
    expect(german.w.signOut).toBe('Abmelden');
    expect([english.f.language, german.f.language]).toEqual(['en-GB', 'de-CH']);
    expect(german.f.duration(86_400)).toBe('1 Tag');
  });

  it('falls back to English', async () => {
    expect((await loadText(['ja'])).w).toBe(english.w);
  });
});

describe('messageOf', () => {
  // A page sends no such request, or reads more from the details.
  const OWN_WORDS = ['permission_denied', 'method_not_allowed', 'payload_too_large', 'unsupported_media_type'];

  // Only the jobs of CI get these.
  const OF_CI = ['ci_token_used', 'issuer_unavailable'];

  // Only the product's own services get these.
  const OF_TASKS = ['task_limit_reached', 'task_not_found'];

  it.each([english, german])('has words for every error code that a page may get', (text) => {
    const shown = ERROR_CODES.filter(
      (code) => messageOf(new LatchkeyError(code, 'of the server'), text) === 'of the server',
    );
    expect(shown.toSorted()).toEqual(
      [...OWN_WORDS, ...OF_CI, ...OF_TASKS, 'organization_choice_required', 'route_not_found'].toSorted(),
    );
  });

  it('names the scopes that are missing', () => {
    const error = new LatchkeyError('permission_denied', '', { details: { missing_scopes: ['apikeys:write'] } });
    expect(messageOf(error, english)).toContain('apikeys:write');
  });
});

describe('fieldErrors', () => {
  it("gives the server's word to the field that it is about", () => {
    const error = new LatchkeyError('validation_error', '', {
      details: { fields: { 'ip_allow_list.1': 'No address.' } },
    });
    expect(fieldErrors(error)).toEqual({ ip_allow_list: 'No address.' });
    expect(fieldErrors(new TypeError('x'))).toEqual({});
  });
});

describe('names', () => {
  it('are words where the console knows them, and legible where it does not', () => {
    expect(postureName('past_due', english.w)).toBe('Past due');
    expect(postureName('new_posture', english.w)).toBe('New posture');
    expect(spaced('api_key.created')).toBe('API key created');
  });
});

describe('billingText', () => {
  const standing = {
    posture: 'active',
    allowed: ['read', 'create', 'wind_down'],
    status_since: null,
    changes_at: null,
    trial_ends_at: null,
    decommission_at: null,
    decommissioning: null,
  } as const;
  const said = (change: object) => billingText({ ...standing, ...change } as never, english);

  it('says nothing while all is well', () => {
    expect(said({})).toBeUndefined();
  });

  it('says what works by what the server allows, not by the name of the posture', () => {
    expect(said({ posture: 'past_due', allowed: ['read', 'wind_down'] })?.lines[0]).toBe(
      'Keys are accepted. Keys can be neither created, rotated nor changed. Keys can be revoked.',
    );
    expect(said({ posture: 'trial_expired', allowed: ['wind_down'] })?.lines[0]).toContain('Keys are refused.');
    expect(said({ posture: 'grace' })?.lines[0]).toContain('Keys can be created');
  });

  it('says until when', () => {
    const ending = { at: '2030-01-01T00:00:00Z', keys_left: 3, keys_left_at_workos: 3, done_at: null };
    expect(said({ posture: 'decommissioning', decommissioning: ending })?.lines[1]).toContain('3 are left');
  });
});

describe('makeMay', () => {
  const all = { allowed: ['read', 'create', 'wind_down'] as never };
  const product = { webhook_deliveries: { read_scope: 'audit:read', replay_scope: 'hooks:replay' } };

  it('lets people change their own keys with the scope for these', () => {
    const may = makeMay(person(['apikeys:write:own']), all, product);
    expect(may.change(key('user', 'user_1'))).toBeUndefined();
    expect(may.change(key('user', 'user_2'))).toBe('permission');
    expect([may.ownedBy('user'), may.ownedBy('organization')]).toEqual([true, false]);
  });

  it('stops changes by billing, and leaves revoking as billing says', () => {
    const may = makeMay(person(['apikeys:write']), { allowed: ['wind_down'] }, product);
    expect([may.create, may.change(key('organization', 'o')), may.revoke(key('organization', 'o'))]).toEqual([
      'billing',
      'billing',
      undefined,
    ]);
  });

  it('stops changes by an impersonator', () => {
    expect(makeMay(person(['apikeys:write'], { id: 'admin' }), all, product).create).toBe('impersonated');
  });

  it('shows webhooks to those with the scope that the product names, where there are any', () => {
    const may = makeMay(person(['audit:read']), all, product);
    expect([may.deliveries, may.replay]).toEqual([true, 'permission']);
    expect(makeMay(person(['hooks:replay']), all, product)).toMatchObject({ deliveries: false, replay: undefined });
    expect(makeMay(person(['hooks:replay']), { allowed: ['read'] }, product).replay).toBe('billing');
    expect(makeMay(person(['hooks:replay'], { id: 'admin' }), all, product).replay).toBe('impersonated');
    const none = makeMay(person(['audit:read', 'hooks:replay']), all, { webhook_deliveries: null });
    expect([none.deliveries, none.replay]).toEqual([false, 'permission']);
  });
});
