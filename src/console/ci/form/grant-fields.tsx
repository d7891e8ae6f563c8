import { ScopePicker } from '../../create-key/scope-picker.tsx';
import { useConsole } from '../../data/console.ts';
import { usePermissionSets } from '../../data/queries.ts';
import choices from '../../parts/controls/choices.module.css';
import { Checks, Radios } from '../../parts/controls/choices.tsx';
import { SelectField, TextField } from '../../parts/controls/field.tsx';
import settings from '../../settings/settings-fields.module.css';
import { spaced } from '../../words/names.ts';
import { usePageText } from '../../words/page-text.ts';
import css from './policy-form.module.css';
import type { FieldsProps } from './policy-draft.ts';
import { errorAt } from './policy-errors.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const LIFETIMES = [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR];

/** What jobs get: a key or a session, and the ceiling of every key. */
export function GrantFields({ draft, errors, onDraft }: FieldsProps) {
  const { w } = usePageText();
  const ci = useConsole().product.ci!;
  const about = new Map(usePermissionSets().data?.map((set) => [set.name, set.description]));
  return (
    <fieldset class={css.section}>
      <legend>{w.whatTheyGet}</legend>
      <Radios
        value={draft.issue}
        options={[
          ['api_key', w.issueKey],
          ['session', w.issueSession],
        ]}
        onValue={(issue) => onDraft({ issue })}
      />
      <p class={css.note}>{draft.issue === 'session' ? w.issueSessionHelp : w.issueKeyHelp}</p>
      {ci.permission_sets.length > 0 && (
        <Checks
          legend={w.permissionSets}
          values={draft.sets}
          options={ci.permission_sets.map((name) => ({ value: name, text: spaced(name), about: about.get(name) }))}
          error={errorAt(errors, 'permission_sets')}
          onValues={(sets) => onDraft({ sets })}
        />
      )}
      {ci.scopes.length > 0 && <ScopeFields draft={draft} issuer={undefined} errors={errors} onDraft={onDraft} />}
      {ci.environments.length > 1 && (
        <Checks
          legend={w.environments}
          values={draft.environments}
          options={ci.environments.map((each) => ({ value: each, text: each === 'test' ? w.test : w.live }))}
          error={errorAt(errors, 'environments')}
          onValues={(environments) => onDraft({ environments })}
        />
      )}
      <Limits draft={draft} issuer={undefined} errors={errors} onDraft={onDraft} />
    </fieldset>
  );
}

function ScopeFields({ draft, errors, onDraft }: FieldsProps) {
  const { w } = usePageText();
  const hasSets = useConsole().product.ci!.permission_sets.length > 0;
  const error = errorAt(errors, 'scopes') ?? (hasSets ? undefined : errorAt(errors, 'permission_sets'));
  return (
    <fieldset class={choices.group}>
      <legend>{w.fromScopes}</legend>
      <ScopePicker value={draft.scopes} onValue={(scopes) => onDraft({ scopes })} />
      {error !== undefined && (
        <p class={choices.error} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

function Limits({ draft, errors, onDraft }: FieldsProps) {
  const { w, f } = usePageText();
  const { lifetime_seconds: bounds } = useConsole().product.ci!;
  const usual = LIFETIMES.filter((seconds) => seconds >= bounds.min && seconds <= bounds.max);
  const offered = [...new Set([...usual, draft.lifetimeSeconds])].toSorted((a, b) => a - b);
  return (
    <div class={settings.pair}>
      <SelectField
        label={w.longestKey}
        value={String(draft.lifetimeSeconds)}
        error={errors['max_lifetime_seconds']}
        onValue={(seconds) => onDraft({ lifetimeSeconds: Number(seconds) })}
        options={offered.map((seconds) => ({ value: String(seconds), text: f.duration(seconds) }))}
      />
      <TextField
        label={w.mostKeys}
        inputMode="numeric"
        value={draft.activeKeys}
        error={errors['max_active_keys']}
        onValue={(activeKeys) => onDraft({ activeKeys })}
      />
    </div>
  );
}
