import { useMutation } from '@tanstack/preact-query';
import type { CreateCiPolicy, JudgedCiPolicy } from '../../../client/client.ts';
import { useConsole } from '../../data/console.ts';
import { Button } from '../../parts/controls/button.tsx';
import { Badge } from '../../parts/shown/badge.tsx';
import type { Tone } from '../../parts/shown/badge.tsx';
import { useConsoleSession } from '../../session/session.ts';
import { usePageText } from '../../words/page-text.ts';
import { jobText } from '../job-text.ts';
import { Mismatch } from '../mismatch.tsx';
import css from './policy-form.module.css';

type Judged = JudgedCiPolicy['data'][number];

const SHOWN = 10;
const TONES: Readonly<Record<Judged['would_be'], Tone>> = { admitted: 'good', refused: 'bad', unknown: 'plain' };

/** Judges drafts by past exchanges: of one policy, or of all that have its issuer. */
export function useTrial(policy: string | undefined) {
  const { client } = useConsoleSession();
  return useMutation({ mutationFn: (draft: CreateCiPolicy) => client.ci.policies.dryRun({ draft, policy }) });
}

type Props = { trial: ReturnType<typeof useTrial>; onTry: () => void };

/** What the last 30 days would have been under the draft. */
export function TryDraft({ trial, onTry }: Props) {
  const { w } = usePageText();
  const { may } = useConsole();
  return (
    <div class={css.trial}>
      <div class={css.try}>
        <Button isBusy={trial.isPending} obstacle={may.audit ? undefined : w.tryNeedsAudit} onClick={onTry}>
          {w.tryDraft}
        </Button>
        <span class={css.note}>{may.audit ? w.tryDraftHelp : w.tryNeedsAudit}</span>
      </div>
      <div aria-live="polite">{trial.data && <Result of={trial.data} />}</div>
    </div>
  );
}

function Result({ of: { admitted, refused, unknown, complete, data } }: { of: JudgedCiPolicy }) {
  const { w, f } = usePageText();
  const all = admitted + refused + unknown;
  if (all === 0) return <p>{w.triedNone}</p>;
  return (
    <div class={css.result}>
      <p>
        <strong>{w.tried(f.number(admitted), f.number(all))}</strong> {unknown > 0 && w.triedUnknown(f.number(unknown))}{' '}
        {!complete && w.triedPart} {data.length === 0 && w.triedSame}
      </p>
      {data.length > 0 && <Changes of={data} />}
    </div>
  );
}

function Changes({ of: changes }: { of: readonly Judged[] }) {
  const { w, f } = usePageText();
  const texts = { admitted: w.wouldPass, refused: w.wouldFail, unknown: w.wouldBeUnknown };
  return (
    <>
      <h3>{w.triedChanges}</h3>
      <ul class={css.changes}>
        {changes.slice(0, SHOWN).map(({ event_id: id, occurred_at: at, would_be: outcome, claims, ...why }) => (
          <li key={id}>
            <Badge tone={TONES[outcome]}>{texts[outcome]}</Badge>
            <span class={css.job}>
              <bdi>{jobText(claims)}</bdi>
              <Mismatch of={[...why.mismatch, ...why.unknown_claims.map((claim) => ({ claim }))]} />
            </span>
            <time class={css.note} dateTime={at} title={f.exactly(at)}>
              {f.dateTime(at)}
            </time>
          </li>
        ))}
      </ul>
      {changes.length > SHOWN && <p class={css.note}>{w.andMore(f.number(changes.length - SHOWN))}</p>}
    </>
  );
}
