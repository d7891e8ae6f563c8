import { useConsole } from '../data/console.ts';
import { ExpiryField } from '../settings/expiry-field.tsx';
import { SettingsFields } from '../settings/settings-fields.tsx';
import { Radios } from '../parts/controls/choices.tsx';
import choices from '../parts/controls/choices.module.css';
import { TextField } from '../parts/controls/field.tsx';
import { useText } from '../words/text.ts';
import css from './create-fields.module.css';
import type { Draft } from './draft.ts';
import { ScopePicker } from './scope-picker.tsx';
import { SetPicker } from './set-picker.tsx';

type Props = {
  draft: Draft;
  onDraft: (change: Partial<Draft>) => void;
  errors: Readonly<Record<string, string | undefined>>;
  isOff: boolean;
};

const ADVANCED = ['description', 'rate_limit', 'concurrency', 'ip_allow_list'];

export function CreateFields({ draft, onDraft, errors, isOff }: Props) {
  const { w } = useText();
  return (
    <fieldset class={choices.fields} disabled={isOff}>
      <TextField
        label={w.name}
        hint={w.nameHelp}
        isFirst
        maxLength={100}
        value={draft.label}
        error={errors['label']}
        onValue={(label) => onDraft({ label })}
      />
      <Kinds draft={draft} onDraft={onDraft} />
      <Access draft={draft} onDraft={onDraft} errors={errors} />
      <ExpiryField
        value={draft.expiry}
        onValue={(expiry) => onDraft({ expiry })}
        error={errors['expires_at'] ?? errors['expires_in']}
      />
      <details class={css.more} open={ADVANCED.some((name) => errors[name] !== undefined)}>
        <summary>{w.moreSettings}</summary>
        <div>
          <SettingsFields
            value={draft.settings}
            onValue={(part) => onDraft({ settings: { ...draft.settings, ...part } })}
            errors={errors}
          />
        </div>
      </details>
    </fieldset>
  );
}

/** Whose key it is, and which environment it is for, where there is a choice. */
function Kinds({ draft, onDraft }: Pick<Props, 'draft' | 'onDraft'>) {
  const { w } = useText();
  const { product, may } = useConsole();
  const owners = product.owners.filter((owner) => may.ownedBy(owner));
  return (
    <>
      {owners.length > 1 && (
        <Radios
          legend={w.owner}
          value={draft.owner}
          options={owners.map((owner) => [owner, owner === 'user' ? w.ownerMine : w.ownerOrganization])}
          onValue={(owner) => onDraft({ owner })}
        />
      )}
      {product.environments.length > 1 && (
        <Radios
          legend={w.environment}
          value={draft.environment}
          options={product.environments.map((each) => [each, each === 'test' ? w.test : w.live])}
          onValue={(environment) => onDraft({ environment })}
        />
      )}
    </>
  );
}

function Access({ draft, onDraft, errors }: Pick<Props, 'draft' | 'onDraft' | 'errors'>) {
  const { w } = useText();
  const { product } = useConsole();
  const error = errors['permission_set'] ?? errors['scopes'] ?? errors['owner'];
  return (
    <fieldset class={choices.group} aria-describedby={error === undefined ? undefined : 'access-error'}>
      <legend>{w.permissions}</legend>
      {product.permission_sets && product.chosen_scopes && (
        <Radios
          value={draft.from}
          options={[
            ['set', w.fromSet],
            ['scopes', w.fromScopes],
          ]}
          onValue={(from) => onDraft({ from })}
        />
      )}
      {draft.from === 'set' ? (
        <SetPicker value={draft.set} onValue={(set) => onDraft({ set })} />
      ) : (
        <ScopePicker value={draft.scopes} onValue={(scopes) => onDraft({ scopes })} />
      )}
      {error !== undefined && (
        <p class={choices.error} id="access-error" role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}
