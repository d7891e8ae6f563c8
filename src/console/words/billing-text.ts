import type { Organization } from '../../client/client.ts';
import { postureName } from './names.ts';
import type { Text } from './words.ts';

type Standing = Pick<
  Organization,
  'posture' | 'allowed' | 'status_since' | 'changes_at' | 'trial_ends_at' | 'decommission_at' | 'decommissioning'
>;

/** What the banner says of an organization's billing; undefined when there is nothing to say. */
export function billingText(organization: Standing, { w, f }: Text): { title: string; lines: string[] } | undefined {
  const { posture, allowed, status_since: since, changes_at: until, decommissioning: ending } = organization;
  if (posture === 'active' && allowed.includes('create') && ending === null) return undefined;
  const works = [
    allowed.includes('read') ? w.keysAreAccepted : w.keysAreRefused,
    allowed.includes('create') ? w.creatingWorks : w.creatingStops,
    allowed.includes('wind_down') ? w.revokingWorks : w.revokingStops,
  ];
  const times = [
    ...(since === null ? [] : [w.since(f.date(since))]),
    ...(until === null ? [] : [w.changesAt(f.dateTime(until), f.relative(until))]),
    ...(ending === null || ending.done_at !== null
      ? []
      : [w.keysEndAt(f.dateTime(ending.at), f.number(ending.keys_left))]),
  ];
  return { title: w.billingIs(postureName(posture, w)), lines: [works.join(' '), times.join(' ')].filter(Boolean) };
}
