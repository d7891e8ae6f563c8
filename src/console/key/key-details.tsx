import type { ApiKey } from '../../client/client.ts';
import { PolicyName } from '../marks/ci-mark.tsx';
import { useConsole } from '../data/console.ts';
import { useKeyUsage } from '../data/queries.ts';
import { Card, Facts } from '../parts/shown/card.tsx';
import { Expiry } from '../parts/shown/key-facts.tsx';
import { Time, useNow } from '../parts/shown/time.tsx';
import { spaced } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import css from './key-screen.module.css';

/** Metadata with lines of its own. */
const OF_JOBS = ['ci_run', 'ci_commit', 'ci_actor', 'ci_session'];
const DAY_MS = 86_400_000;

/** Everything that is known of a key. */
export function KeyDetails({ apiKey }: { apiKey: ApiKey }) {
  const { w } = usePageText();
  const { may } = useConsole();
  const { permission_set: set, effective_scopes: held, scopes } = apiKey;
  const audit = `/console/audit?target_id=${encodeURIComponent(apiKey.id)}`;
  return (
    <>
      <Card title={w.details} aside={may.audit ? <a href={audit}>{w.showInAudit}</a> : undefined}>
        <Facts of={useFacts(apiKey)} />
      </Card>
      <Card title={set === null ? w.permissions : `${w.permissions}: ${spaced(set)}`}>
        <ul class={css.scopes}>
          {(held.length > 0 ? held : scopes).map((scope) => (
            <li key={scope}>
              <code>{scope}</code>
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}

function useFacts(apiKey: ApiKey) {
  const { w, f } = usePageText();
  const used = useKeyUsage(apiKey.id, { interval: 'day' }).data;
  const { rate_limit: rate, concurrency, ip_allow_list: addresses, metadata, created_by: creator } = apiKey;
  const isOfCi = apiKey.origin === 'ci';
  const ofJob = (name: string) => (isOfCi ? metadata[name] : undefined);
  const own = Object.entries(metadata).filter(([name]) => ofJob(name) === undefined || !OF_JOBS.includes(name));
  const entries = own.map(([name, value]) => `${name}: ${value}`);
  return [
    [w.lastUsed, apiKey.last_used_at === null ? w.never : <Time at={apiKey.last_used_at} />],
    [w.lastAddress, used?.last_used_ip],
    [w.lastClient, used?.last_used_agent],
    [w.expires, <ExpiryOrCountdown key="expiry" apiKey={apiKey} />],
    [w.created, <Time key="created" at={apiKey.created_at} />],
    [w.createdBy, isOfCi ? undefined : (creator.name ?? creator.id)],
    [w.ciPolicy, isOfCi ? <PolicyName key="policy" id={creator.id} /> : undefined],
    [w.ciRun, ofJob('ci_run')],
    [w.ciCommit, ofJob('ci_commit')],
    [w.ciActor, ofJob('ci_actor')],
    [w.ciSession, ofJob('ci_session')],
    [w.leakReported, apiKey.leaked_at === null ? undefined : <Time key="leaked" at={apiKey.leaked_at} />],
    [w.revokedAt, apiKey.revoked_at === null ? undefined : <Time at={apiKey.revoked_at} />],
    [w.replaces, apiKey.rotated_from === null ? undefined : <OtherKey id={apiKey.rotated_from} />],
    [w.replacedBy, apiKey.rotated_to === null ? undefined : <OtherKey id={apiKey.rotated_to} />],
    [w.rateLimit, rate === null ? w.asPlanned : w.ratePer(f.number(rate.limit), f.duration(rate.window_seconds))],
    [w.concurrency, concurrency === null ? w.asPlanned : f.number(concurrency)],
    [w.addressesOfKey, addresses.length === 0 ? w.everywhere : addresses.join(', ')],
    [w.metadata, entries.length === 0 ? undefined : entries.join(', ')],
    [w.origin, { latchkey: undefined, workos: 'WorkOS', ci: 'CI', imported: creator.id }[apiKey.origin]],
    [w.keyId, <code key="id">{apiKey.id}</code>],
  ] as const;
}

function OtherKey({ id }: { id: string }) {
  return <a href={`/console/keys/${encodeURIComponent(id)}`}>{id}</a>;
}

/** The expiry; in its last day, and for a key that was replaced, as a countdown. */
function ExpiryOrCountdown({ apiKey }: { apiKey: ApiKey }) {
  const { w, f } = usePageText();
  const left = apiKey.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(apiKey.expires_at) - Date.now();
  const isCounted = apiKey.status === 'active' && left > 0 && left < DAY_MS;
  useNow(isCounted);
  return isCounted ? <>{w.countdown(f.clock(left / 1_000))}</> : <Expiry apiKey={apiKey} />;
}
