import type { CiPolicy } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { useQueryString } from '../data/location.ts';
import { useAnnounce } from '../parts/announce.tsx';
import { Button, ButtonLink } from '../parts/controls/button.tsx';
import { CopyText } from '../parts/controls/copy.tsx';
import { Badge } from '../parts/shown/badge.tsx';
import { Facts } from '../parts/shown/card.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { Time } from '../parts/shown/time.tsx';
import records from '../records/records.module.css';
import { spaced } from '../words/names.ts';
import { obstacleText } from '../words/obstacles.ts';
import { usePageText } from '../words/page-text.ts';
import css from './ci-screen.module.css';
import { Exchanges } from './exchanges.tsx';
import { conditionText, issuerName, pinnedClaims } from './issuers.ts';
import { usePolicyChange } from './policies-query.ts';
import { Snippet } from './snippet.tsx';

/** What a policy says, the lines for its jobs, what happened under it, and what can be done with it. */
export function PolicyDetails({ policy }: { policy: CiPolicy }) {
  const { w } = usePageText();
  const { product, may } = useConsole();
  const issuer = product.ci!.issuers.find(({ name }) => name === policy.issuer);
  return (
    <div class={records.more}>
      {policy.issuer_url === null && <p class={css.gone}>{w.issuerGone}</p>}
      <Facts of={useFacts(policy)} />
      <Conditions policy={policy} />
      <Snippet kind={issuer?.kind ?? 'own'} policy={policy} />
      {may.audit && <Exchanges policy={policy} />}
      <Actions policy={policy} />
    </div>
  );
}

function useFacts(policy: CiPolicy) {
  const { w, f } = usePageText();
  const { environments } = useConsole().product;
  const given = [...policy.permission_sets.map(spaced), ...policy.scopes];
  const kinds = environments.length > 1 ? policy.environments.map((each) => (each === 'test' ? w.test : w.live)) : [];
  return [
    [w.issuer, <bdi key="issuer">{[issuerName(policy.issuer), policy.issuer_url].filter(Boolean).join(' · ')}</bdi>],
    [w.policyId, <Copied key="id" value={policy.id} name={w.policyId} />],
    [w.audience, <Copied key="audience" value={policy.audience} name={w.audience} />],
    [w.gives, [policy.issue === 'session' ? w.issueSession : w.issueKey, ...kinds, f.list(given)].join(' · ')],
    [w.longestKey, f.duration(policy.max_lifetime_seconds)],
    [w.atATime, f.number(policy.max_active_keys)],
    [w.created, <Time key="created" at={policy.created_at} />],
  ] as const;
}

function Copied({ value, name }: { value: string; name: string }) {
  const { w } = usePageText();
  return (
    <>
      <code dir="ltr">{value}</code> <CopyText value={value} label={`${w.copy}: ${name}`} />
    </>
  );
}

function Conditions({ policy: { issuer: name, when } }: { policy: CiPolicy }) {
  const { w } = usePageText();
  const { issuers } = useConsole().product.ci!;
  const pins = pinnedClaims(
    issuers.find((issuer) => issuer.name === name),
    when,
  );
  const others = Object.keys(when).filter((claim) => !pins.includes(claim));
  return (
    <table class={css.conditions}>
      <caption>{w.conditions}</caption>
      <thead>
        <tr>
          <th scope="col">{w.claim}</th>
          <th scope="col">{w.value}</th>
        </tr>
      </thead>
      <tbody>
        {[...pins, ...others].map((claim) => (
          <tr key={claim}>
            <th scope="row">
              <code dir="ltr">{claim}</code>
            </th>
            <td>
              <code dir="ltr">{conditionText(when[claim])}</code> {pins.includes(claim) && <Badge>{w.pinned}</Badge>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Actions({ policy }: { policy: CiPolicy }) {
  const { w } = usePageText();
  const facts = useConsole();
  const { set } = useQueryString();
  const { may, organization } = facts;
  const ending = may.revoke({ owner: { type: 'organization', id: organization.id } });
  if (may.administer === 'permission') return <ShowKeys />;
  const obstacle = obstacleText(may.administer, facts, w);
  const open = (dialog: string) => set({ dialog, policy: policy.id }, { push: true });
  return (
    <div class={css.actions}>
      <Button obstacle={obstacle} onClick={() => open('policy')}>
        {w.edit}
      </Button>
      <Toggle policy={policy} obstacle={obstacle} />
      <Button kind="warning" obstacle={obstacleText(ending, facts, w)} onClick={() => open('policy-delete')}>
        {w.delete}
      </Button>
      <ShowKeys />
    </div>
  );
}

function ShowKeys() {
  const { w } = usePageText();
  return (
    <ButtonLink kind="quiet" href="/console/keys?origin=ci">
      {w.ciKeys}
    </ButtonLink>
  );
}

/** Switches a policy off, and on again. */
function Toggle({ policy, obstacle }: { policy: CiPolicy; obstacle: string | undefined }) {
  const { w } = usePageText();
  const announce = useAnnounce();
  const change = usePolicyChange(
    ({ ci }, enabled: boolean) => ci.policies.update(policy.id, { enabled }),
    ({ name, enabled }) => announce(enabled ? w.enabledNamed(name) : w.disabledNamed(name)),
  );
  return (
    <>
      <Button isBusy={change.isPending} obstacle={obstacle} onClick={() => change.mutate(!policy.enabled)}>
        {policy.enabled ? w.disable : w.enable}
      </Button>
      {change.error && <ErrorBox error={change.error} />}
    </>
  );
}
