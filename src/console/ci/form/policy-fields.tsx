import { useConsole } from '../../data/console.ts';
import choices from '../../parts/controls/choices.module.css';
import { SelectField, TextField } from '../../parts/controls/field.tsx';
import { Facts } from '../../parts/shown/card.tsx';
import { usePageText } from '../../words/page-text.ts';
import { issuerName } from '../issuers.ts';
import { ConditionFields } from './condition-fields.tsx';
import { GrantFields } from './grant-fields.tsx';
import type { FieldsProps } from './policy-draft.ts';
import { errorAt } from './policy-errors.ts';

type Props = FieldsProps & { isNew: boolean; repeated: ReadonlySet<number>; isOff: boolean };

export function PolicyFields({ isNew, repeated, isOff, ...fields }: Props) {
  const { w } = usePageText();
  const { draft, issuer, errors, onDraft } = fields;
  return (
    <fieldset class={choices.fields} disabled={isOff}>
      <TextField
        label={w.name}
        isFirst
        maxLength={64}
        value={draft.name}
        error={errors['name']}
        onValue={(name) => onDraft({ name })}
      />
      {isNew ? <IssuerFields {...fields} /> : <Facts of={[[w.issuer, issuerName(draft.issuer)]]} />}
      {errors['issuer'] !== undefined && (
        <p class={choices.error} role="alert">
          {errors['issuer']}
        </p>
      )}
      <ConditionFields {...fields} repeated={repeated} issuer={issuer} />
      <GrantFields {...fields} />
    </fieldset>
  );
}

function IssuerFields({ draft, issuer, errors, onDraft }: FieldsProps) {
  const { w } = usePageText();
  const { issuers } = useConsole().product.ci!;
  return (
    <>
      <SelectField
        label={w.issuer}
        hint={<bdi>{issuer?.url}</bdi>}
        value={draft.issuer}
        // Another issuer has other claims, with other meanings.
        onValue={(name) => onDraft({ issuer: name, pins: 0, pinned: {}, conditions: [] })}
        options={issuers.map(({ name }) => ({ value: name, text: issuerName(name) }))}
      />
      {issuer?.needs_organization && (
        <TextField
          label={w.issuerOrganization}
          hint={w.issuerOrganizationHelp}
          isMono
          value={draft.organization}
          error={errorAt(errors, 'issuer_organization')}
          onValue={(organization) => onDraft({ organization })}
        />
      )}
    </>
  );
}
