import type { CiPolicy } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { useQueryString } from '../data/location.ts';
import { Badge } from '../parts/shown/badge.tsx';
import records from '../records/records.module.css';
import { usePageText } from '../words/page-text.ts';
import css from './ci-screen.module.css';
import { conditionText, issuerName, pinnedClaims } from './issuers.ts';
import { PolicyDetails } from './policy-details.tsx';

/** One policy in a line, with everything that is known of it below. */
export function PolicyEntry({ policy }: { policy: CiPolicy }) {
  const { w, f } = usePageText();
  const { query, set } = useQueryString();
  const isOpen = query['policy'] === policy.id;
  const { name, issue, enabled, last_exchanged_at: last } = policy;
  return (
    <details class={`${records.event} ${css.policy}`} open={isOpen}>
      <summary
        onClick={(event) => {
          // The address says which one is open.
          event.preventDefault();
          set({ policy: isOpen ? undefined : policy.id });
        }}
      >
        <span class={records.what} title={name}>
          <bdi>{name}</bdi>
        </span>
        <Trusted policy={policy} />
        <span class={records.quiet}>
          {issue === 'session' ? w.givesSessions : w.givesKeys}
          {' · '}
          {last === null ? w.noExchange : <time dateTime={last}>{w.lastExchange(f.relative(last))}</time>}
        </span>
        <span class={css.state}>
          <Badge tone={enabled ? 'good' : 'plain'}>{enabled ? w.policyOn : w.policyOff}</Badge>
        </span>
      </summary>
      {isOpen && <PolicyDetails policy={policy} />}
    </details>
  );
}

/** What the policy trusts: the issuer, and the ids that are pinned there. */
function Trusted({ policy: { issuer: name, when } }: { policy: CiPolicy }) {
  const { issuers } = useConsole().product.ci!;
  const claims = pinnedClaims(
    issuers.find((issuer) => issuer.name === name),
    when,
  );
  const pins = claims.map((claim) => `${claim} ${conditionText(when[claim])}`);
  return (
    <span class={records.quiet} title={pins.join(', ')}>
      {issuerName(name)}
      {pins.length > 0 && ' · '}
      <code dir="ltr">{pins.join(', ')}</code>
    </span>
  );
}
