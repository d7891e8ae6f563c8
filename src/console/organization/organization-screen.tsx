import type { RateLimit } from '../../client/client.ts';
import { useConsole, useOrganizationName } from '../data/console.ts';
import { Card, Facts } from '../parts/shown/card.tsx';
import { Quota } from '../parts/shown/quota.tsx';
import { Title } from '../parts/title.tsx';
import { postureName, spaced } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import type { PageText } from '../words/words.ts';
import { AllowList } from './allow-list.tsx';

/** The organization: its plan, its limits, and the addresses that it is accepted from. */
export function OrganizationScreen() {
  const text = usePageText();
  const { w, f } = text;
  const { organization, may } = useConsole();
  const { limits } = organization;
  const facts: [string, string][] = [
    [w.billing, postureName(organization.posture, w)],
    [w.plan, spaced(organization.plan)],
    [w.rateLimitOfKeys, rateText(limits.rate_limit, text)],
    [w.concurrencyOfKeys, limits.concurrency === null ? w.unlimited : f.number(limits.concurrency)],
    [w.rateLimitOfAll, rateText(limits.organization_rate_limit, text)],
    [w.longestLifetime, limits.max_expiry_days === null ? w.unlimited : f.duration(limits.max_expiry_days * 86_400)],
  ];
  return (
    <>
      <Title text={w.organization} />
      <h1>
        <bdi>{useOrganizationName()}</bdi>
      </h1>
      <Card title={w.planAndLimits} aside={<Quota />}>
        <Facts of={facts} />
      </Card>
      {may.readAll && <AllowList />}
    </>
  );
}

function rateText(rate: RateLimit | null, { w, f }: PageText): string {
  return rate === null ? w.unlimited : w.ratePer(f.number(rate.limit), f.duration(rate.window_seconds));
}
