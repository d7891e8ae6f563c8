import { z } from 'zod';
import { PROFILES, PROFILE_NAMES } from './profiles.ts';
import type { ProfileName } from './profiles.ts';
import { Switches } from './switches.ts';
import type { SwitchesInput } from './switches.ts';

const Name = z.enum(PROFILE_NAMES, { error: `needs one of ${PROFILE_NAMES.join(', ')}` });
/** A profile to start from, the current one if left out, and switches that differ from it. */
export const Change = Switches.partial().extend({ profile: Name.optional() });
export type Change = Partial<SwitchesInput> & { profile?: ProfileName };

export type Profile = {
  /** Current behaviour. It is always the same object, so every holder sees each change. */
  readonly switches: Switches;
  change(change: Change): void;
  view(): object;
};

export function createProfile(name: ProfileName): Profile {
  const switches = Switches.parse(PROFILES[name]);
  let current = name;
  return {
    switches,
    change({ profile, ...changes }) {
      const base = profile === undefined ? switches : PROFILES[profile];
      Object.assign(switches, Switches.parse({ ...base, ...changes }));
      current = profile ?? current;
    },
    view: () => ({ profile: current, profiles: PROFILE_NAMES, ...switches }),
  };
}

/**
 * Reads `LOCAL_WORKOS_PROFILE`.
 * @throws Error that lists the profiles
 */
export function profileNamed(name: string | undefined): ProfileName {
  const parsed = Name.safeParse(name === undefined || name === '' ? 'default' : name);
  if (parsed.success) return parsed.data;
  throw new Error(`LOCAL_WORKOS_PROFILE ${parsed.error.issues[0]?.message ?? 'is not a profile'}.`);
}
