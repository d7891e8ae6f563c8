import { RawOrganization } from '../../workos/events/event.ts';
import { describe, expectStatus, need, text } from '../read.ts';
import { inspect } from '../shapes.ts';
import type { World } from '../world.ts';

/** Creates the throwaway organization that all later steps use. It is deleted last. */
export async function organization(world: World): Promise<void> {
  const { facts, mark, note, differs, call } = world;
  const externalId = `latchkey-doctor-${mark}`;
  const made = await makeOrganization(world, `Latchkey doctor ${mark}`, externalId);
  facts.organization = { id: made.id, externalId };
  inspect(world, made.raw, RawOrganization);
  const found = await call('GET', `/organizations/external_id/${externalId}`);
  if (text(expectStatus(found, 'the look-up by external id', 200).body, 'id') !== made.id)
    differs({
      name: 'external-id',
      breaks: true,
      assumes: 'that an organization is found by its external id at once',
      seen: 'another organization, or none',
      todo: 'Report this: tenants cannot be matched.',
    });
  const customer = `cus_doctor${mark}`;
  const updated = await call('PUT', `/organizations/${made.id}`, { body: { stripe_customer_id: customer } });
  if (updated.status === 200 && text(updated.body, 'stripe_customer_id') === customer)
    note('stripe_customer_id is stored.');
  else
    differs({
      name: 'stripe-customer-id',
      breaks: false,
      assumes: 'that stripe_customer_id can be set',
      seen: describe(updated),
      todo: 'If your Stripe webhooks are matched by the customer id, match them by the external id instead.',
    });
}

export async function makeOrganization(
  { call, after, undo }: World,
  name: string,
  externalId?: string,
): Promise<{ id: string; raw: unknown }> {
  const body = { name, ...(externalId !== undefined && { external_id: externalId }) };
  const made = expectStatus(await call('POST', '/organizations', { body }), 'the new organization', 201);
  const id = need(made, 'the new organization', 'id');
  undo(`organization ${id}`, async () => {
    expectStatus(await after('DELETE', `/organizations/${id}`), 'its deletion', 200, 202, 204, 404);
  });
  return { id, raw: made.body };
}
