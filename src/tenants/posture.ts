export const BILLING_STATUSES = ['active', 'trial', 'past_due', 'decommissioning'] as const;
export type BillingStatus = (typeof BILLING_STATUSES)[number];

export const POSTURES = [...BILLING_STATUSES, 'trial_expired', 'grace', 'unknown'] as const;
/** What billing says of an organization now, derived from its tenant row, the clock and the days of grace. */
export type Posture = (typeof POSTURES)[number];

export const OPERATIONS = ['read', 'create', 'wind_down'] as const;
/** What a request does, as billing sees it. */
export type Operation = (typeof OPERATIONS)[number];

/** Where a posture applies: to Latchkey's own routes, or to requests with an organization's keys. */
export type Realm = 'api' | 'keys';

/** What a posture follows from. */
export type Account = {
  /** The status that billing stated last; absent when it stated none. */
  status: BillingStatus | undefined;
  /** Since when billing states this status; absent for statements older than this column. */
  statusSince: Date | undefined;
  trialEndsAt: Date | undefined;
  /** When WorkOS deleted the organization. */
  deletedAt: Date | undefined;
};

export type Tenant = Account & {
  organizationId: string;
  name: string | undefined;
  plan: string | undefined;
  /** For this organization alone, instead of the plan's. */
  keyLimit: number | undefined;
  /** When billing's last statement happened, by the clock of billing. */
  billingOccurredAt: Date | undefined;
  /** The same for the plan and the limit, which not every statement has. */
  planOccurredAt: Date | undefined;
  keyLimitOccurredAt: Date | undefined;
  billingReason: string | undefined;
  /** When all keys are to be revoked, and when they were. */
  decommissionAt: Date | undefined;
  decommissionedAt: Date | undefined;
  /** When its row was created. */
  createdAt: Date;
};

/** A posture, and until when it lasts without another statement. */
export type Standing = { posture: Posture; until: Date | undefined };

/** The billing rules of a product's configuration. */
export type PolicyRules = {
  /** Days that a status, or the end of a trial, goes on without effect. */
  graceDays: Readonly<Partial<Record<BillingStatus, number>>>;
  /** The operations that each posture allows. */
  allows: Readonly<Record<Posture, Readonly<Record<Realm, readonly Operation[]>>>>;
};

/**
 * Whether all keys of the tenant are being revoked now, perhaps by another replica's clock, or were. No key is created or
 * changed then, whatever the posture allows.
 */
export function isEnding({ decommissionAt, decommissionedAt }: Ending, now: Date): boolean {
  return decommissionedAt !== undefined || (decommissionAt !== undefined && decommissionAt <= now);
}

type Ending = Pick<Tenant, 'decommissionAt' | 'decommissionedAt'>;

export type Policy = ReturnType<typeof makePolicy>;

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Derives postures, and what they allow, from the configuration. */
export function makePolicy({ graceDays, allows }: PolicyRules) {
  const allowed = (posture: Posture, realm: Realm, operation: Operation) => allows[posture][realm].includes(operation);

  /** The posture that begins after days of grace, or `grace` until then. */
  function afterGrace(posture: Posture, status: BillingStatus, since: Date | undefined, now: Date): Standing {
    const days = graceDays[status] ?? 0;
    const until = since && days > 0 ? new Date(since.getTime() + days * DAY_MS) : undefined;
    return until && until > now ? { posture: 'grace', until } : { posture, until: undefined };
  }

  return {
    /**
     * Returns the posture at `now`. A trial ends by the clock; an organization without a statement is `unknown`; one that
     * WorkOS has deleted is `decommissioning`, whatever billing states.
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

    /** The operations that a posture allows. */
    allowedIn: (posture: Posture, realm: Realm): readonly Operation[] => allows[posture][realm],

    /** Whether any posture refuses this; if none does, the tenant need not be read. */
    restricts: (realm: Realm, operation: Operation): boolean =>
      POSTURES.some((posture) => !allowed(posture, realm, operation)),
  };
}
