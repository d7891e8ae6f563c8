import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { PROFILE, ROOT, signedIn } from './start.ts';
import type { World } from './start.ts';

const LIST = '/v1/organization/ip-allow-list';
const INSIDE = '192.0.2.7';
const OUTSIDE = '198.51.100.1';

export const ADDRESSES: Behaviour<World>[] = [
  {
    section: 'IP allow list',
    page: 'a company lists the addresses of its requests; requests from other addresses are refused',
    latchkey:
      '`PUT /v1/organization/ip-allow-list`, or `ip_allow_list` of one key. Other addresses get 403 `ip_not_allowed`, for keys and sessions, and in verification.',
    async check(world) {
      const { company, send, verify } = world;
      const acme = await company();
      const { value } = await acme.key(ROOT);
      const { access_token: token } = await signedIn(world, acme);
      const ranges = [INSIDE, '2001:db8:5::/48'];
      const put = await send(
        'PUT',
        LIST,
        { 'x-access-token': token, 'x-forwarded-for': INSIDE },
        { ip_allow_list: ranges },
      );
      expect([put.status, put.body]).toEqual([200, { ip_allow_list: ranges }]);
      for (const credential of [{ 'x-api-key': value }, { 'x-access-token': token }] as Record<string, string>[]) {
        const from = async (ip: string) =>
          outcome(await send('GET', PROFILE, { ...credential, 'x-forwarded-for': ip }));
        expect(await from(INSIDE)).toEqual([200, undefined]);
        expect(await from('2001:db8:5::9')).toEqual([200, undefined]);
        expect(await from(OUTSIDE)).toEqual([403, 'ip_not_allowed']);
      }
      expect(await verify(value, { ip: INSIDE })).toMatchObject({ code: 'valid' });
      expect(await verify(value, { ip: OUTSIDE })).toMatchObject({ code: 'ip_not_allowed' });
      expect(await verify(value)).toMatchObject({ code: 'ip_not_allowed' });
    },
  },
  {
    section: 'IP allow list',
    page: 'a company gives its account manager the list of its addresses',
    latchkey: 'The account manager sends `PUT /v1/organizations/{id}/ip-allow-list` with the service token for staff.',
    async check({ company, manage, verify }) {
      const acme = await company();
      const { value } = await acme.key(ROOT);
      const put = await manage('PUT', `/v1/organizations/${acme.id}/ip-allow-list`, { ip_allow_list: [INSIDE] });
      expect([put.status, put.body]).toEqual([200, { ip_allow_list: [INSIDE] }]);
      expect(await verify(value, { ip: INSIDE })).toMatchObject({ code: 'valid' });
      expect(await verify(value, { ip: OUTSIDE })).toMatchObject({ code: 'ip_not_allowed' });
    },
  },
  {
    section: 'IP allow list',
    page: "a single server's addresses may be listed, too",
    latchkey:
      '`ip_allow_list` of a key, at its creation or later. Where the company has a list, both must allow the address.',
    async check({ company, verify }) {
      const acme = await company();
      const key = await acme.key({ ...ROOT, ip_allow_list: [INSIDE] });
      expect(await verify(key.value, { ip: INSIDE })).toMatchObject({ code: 'valid' });
      expect(await verify(key.value, { ip: OUTSIDE })).toMatchObject({ code: 'ip_not_allowed' });
      await acme.ask('PATCH', `/v1/api-keys/${key.id}`, { ip_allow_list: [] });
      expect(await verify(key.value, { ip: OUTSIDE })).toMatchObject({ code: 'valid' });
    },
  },
  {
    section: 'IP allow list',
    page: 'the product publishes the addresses of its own calls, for firewalls',
    latchkey: '`GET /v1/outbound-addresses` lists those of the configuration, without a credential.',
    async check({ send }) {
      const { status, body } = await send('GET', '/v1/outbound-addresses');
      expect([status, body.data.map(({ address }) => address)]).toEqual([
        200,
        ['203.0.113.16/28', '2001:db8:e:17::/64'],
      ]);
    },
  },
];
