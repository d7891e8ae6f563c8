import { Button } from '../../parts/controls/button.tsx';
import choices from '../../parts/controls/choices.module.css';
import { Radios } from '../../parts/controls/choices.tsx';
import { PlusIcon } from '../../parts/shown/icons.tsx';
import { usePageText } from '../../words/page-text.ts';
import type { PageWords } from '../../words/words.ts';
import { pinHint } from '../issuers.ts';
import type { Issuer } from '../issuers.ts';
import { ConditionField } from './condition-field.tsx';
import css from './policy-form.module.css';
import { NOTHING } from './policy-draft.ts';
import type { FieldsProps, WrittenCondition } from './policy-draft.ts';
import { errorAt } from './policy-errors.ts';

const KNOWN = 'known-claims';

/** Which jobs are trusted: the ids that the issuer requires, and any further conditions. */
export function ConditionFields({
  draft,
  issuer,
  errors,
  repeated,
  onDraft,
}: FieldsProps & { repeated: ReadonlySet<number> }) {
  const { w, f } = usePageText();
  const change = (id: number, part: Partial<WrittenCondition>) =>
    onDraft({ conditions: draft.conditions.map((each) => (each.id === id ? { ...each, ...part } : each)) });
  return (
    <fieldset class={css.section}>
      <legend>{w.whichJobs}</legend>
      {issuer && <PinFields draft={draft} issuer={issuer} errors={errors} onDraft={onDraft} />}
      <datalist id={KNOWN}>
        {issuer?.claims.map((claim) => (
          <option key={claim} value={claim} />
        ))}
      </datalist>
      {draft.conditions.map((condition) => (
        <ConditionField
          key={condition.id}
          claim={condition.claim}
          known={KNOWN}
          written={condition}
          error={repeated.has(condition.id) ? w.claimTwice : errorAt(errors, `when.${condition.claim.trim()}`)}
          onWritten={(written) => change(condition.id, written)}
          onClaim={(claim) => change(condition.id, { claim })}
          onRemove={() => onDraft({ conditions: draft.conditions.filter(({ id }) => id !== condition.id) })}
        />
      ))}
      <div class={css.add}>
        <Button onClick={() => onDraft({ conditions: [...draft.conditions, emptyCondition(draft.conditions)] })}>
          <PlusIcon />
          {w.addCondition}
        </Button>
      </div>
      {errors['when'] !== undefined && (
        <p class={choices.error} role="alert">
          {errors['when']}
        </p>
      )}
      {issuer && rulesOf(issuer, w, f.list).map((rule) => <Rule key={rule} text={rule} />)}
    </fieldset>
  );
}

function Rule({ text }: { text: string }) {
  return <p class={css.note}>{text}</p>;
}

function rulesOf({ refused, companions }: Issuer, w: PageWords, list: (items: readonly string[]) => string): string[] {
  return [
    ...Object.entries(refused).map(([claim, values]) => w.refusedUnless(claim, list(values))),
    ...Object.entries(companions).map(([claim, other]) => w.needsCompanion(claim, other)),
  ];
}

function emptyCondition(others: readonly WrittenCondition[]): WrittenCondition {
  return { ...NOTHING, id: Math.max(-1, ...others.map(({ id }) => id)) + 1, claim: '' };
}

function PinFields({ draft, issuer, errors, onDraft }: FieldsProps & { issuer: Issuer }) {
  const { w } = usePageText();
  const pins = issuer.pins[draft.pins] ?? issuer.pins[0]!;
  return (
    <>
      {issuer.pins.length > 1 && (
        <Radios
          legend={w.pinBy}
          value={String(draft.pins)}
          options={issuer.pins.map(({ claims }, i) => [String(i), pinName(claims, w)])}
          onValue={(chosen) => onDraft({ pins: Number(chosen) })}
        />
      )}
      {pins.claims.map((claim) => (
        <ConditionField
          key={claim}
          claim={claim}
          isPin
          written={draft.pinned[claim] ?? NOTHING}
          hint={pinHint(claim, issuer, w)}
          error={errorAt(errors, `when.${claim}`)}
          onWritten={(part) =>
            onDraft({ pinned: { ...draft.pinned, [claim]: { ...(draft.pinned[claim] ?? NOTHING), ...part } } })
          }
        />
      ))}
    </>
  );
}

function pinName(claims: readonly string[], w: PageWords): string {
  if (claims[0] === 'repository_id') return w.pinRepository;
  return claims[0] === 'repository_owner_id' ? w.pinOwner : claims.join(' + ');
}
