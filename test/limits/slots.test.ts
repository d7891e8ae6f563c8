import { expect, test } from 'vitest';
import { makeSlots } from '../../src/limits/slots.ts';

const slots = () => {
  const counted: string[] = [];
  const { take } = makeSlots({ max: 3, maxPerOrganization: 2, refusal: 'Full.', count: (each) => counted.push(each) });
  return { take, counted };
};
const REFUSED = expect.objectContaining({ code: 'concurrency_limited', message: 'Full.' }) as unknown;

test('has so many slots for an organization, and so many in all', () => {
  const { take, counted } = slots();
  take('org_a');
  take('org_a');
  expect(() => take('org_a')).toThrow(REFUSED);
  take('org_b');
  expect(() => take('org_c')).toThrow(REFUSED);
  expect(counted).toEqual(['taken', 'taken', 'refused', 'taken', 'refused']);
});

test('has a slot again when one is given back, and only once for each', () => {
  const { take } = slots();
  const giveBack = take('org_a');
  take('org_a');
  giveBack();
  giveBack();
  take('org_a');
  expect(() => take('org_a')).toThrow(REFUSED);
  take('org_b');
  expect(() => take('org_b')).toThrow(REFUSED);
});
