export const BILLING_STATUSES = ['active', 'trial', 'past_due', 'decommissioning'] as const;
export type BillingStatus = (typeof BILLING_STATUSES)[number];

export const POSTURES = [...BILLING_STATUSES, 'trial_expired', 'grace', 'unknown'] as const;
/** What billing says of an organization now, derived from its tenant row, the clock and the days of grace. */
export type Posture = (typeof POSTURES)[number];

export const OPERATIONS = ['read', 'create', 'wind_down'] as const;
/** What a request does, as billing sees it. */
export type Operation = (typeof OPERATIONS)[number];

/** Where a posture is obeyed: by Latchkey's own routes, or by what is done with an organization's keys. */
export type Realm = 'api' | 'keys';

/** What a posture follows from. */
export type Account = {
  /** What billing said last; absent when it never did. */
  status: BillingStatus | undefined;
  /** Since when this is so, as billing says; absent for what was said before that was kept. */
  statusSince: Date | undefined;
  trialEndsAt: Date | undefined;
  /** When WorkOS deleted the organization. */
  deletedAt: Date | undefined;
};

export type Tenant = Account & {
  organizationId: string;
  name: string | undefined;
  plan: string | undefined;
  /** Instead of the plan's, for this organization alone. */
  keyLimit: number | undefined;
  /** When what billing said last happened there. */
  billingOccurredAt: Date | undefined;
  /** The same of the plan and of the limit, which are not spoken of each time. */
  planOccurredAt: Date | undefined;
  keyLimitOccurredAt: Date | undefined;
  billingReason: string | undefined;
  /** When all keys are to be revoked, and when they were. */
  decommissionAt: Date | undefined;
  decommissionedAt: Date | undefined;
  /** Since when its row is there. */
  createdAt: Date;
};

/** A posture, and until when it lasts if nobody says anything. */
export type Standing = { posture: Posture; until: Date | undefined };

/** What a product's configuration says of billing. */
export type PolicyRules = {
  /** Days that a status, or the end of a trial, goes on without effect. */
  graceDays: Readonly<Partial<Record<BillingStatus, number>>>;
  /** What passes in each posture. */
  allows: Readonly<Record<Posture, Readonly<Record<Realm, readonly Operation[]>>>>;
};

export type Policy = ReturnType<typeof makePolicy>;

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Judges tenants by what the configuration says. */
export function makePolicy({ graceDays, allows }: PolicyRules) {
  const allowed = (posture: Posture, realm: Realm, operation: Operation) => allows[posture][realm].includes(operation);

  /** Whatever bites only after some days: until then it is grace. */
  function afterGrace(posture: Posture, status: BillingStatus, since: Date | undefined, now: Date): Standing {
    const days = graceDays[status] ?? 0;
    const until = since && days > 0 ? new Date(since.getTime() + days * DAY_MS) : undefined;
    return until && until > now ? { posture: 'grace', until } : { posture, until: undefined };
  }

  return {
    /**
     * The posture at `now`: a trial ends by the clock, an organization that billing never spoke of is `unknown`, and
     * one that WorkOS has deleted is being wound down whatever billing says.
     */
    standingOf(tenant: Account | undefined, now: Date): Standing {
      if (tenant?.deletedAt) return { posture: 'decommissioning', until: undefined };
      if (!tenant?.status) return { posture: 'unknown', until: undefined };
      const { status, statusSince, trialEndsAt } = tenant;
      if (status === 'active') return { posture: 'active', until: undefined };
      if (status !== 'trial') return afterGrace(status, status, statusSince, now);
      if (trialEndsAt && trialEndsAt > now) return { posture: 'trial', until: trialEndsAt };
      return afterGrace('trial_expired', 'trial', trialEndsAt, now);
    },

    allows: allowed,

    /** All that passes in a posture. */
    allowedIn: (posture: Posture, realm: Realm): readonly Operation[] => allows[posture][realm],

    /** Whether there is a posture in which this does not pass; where there is none, nobody need look. */
    restricts: (realm: Realm, operation: Operation): boolean =>
      POSTURES.some((posture) => !allowed(posture, realm, operation)),
  };
}
