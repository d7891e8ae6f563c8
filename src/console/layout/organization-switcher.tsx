import { useConsole, useOrganizationName } from '../data/console.ts';
import { Field } from '../parts/controls/field.tsx';
import { useConsoleSession } from '../session/session.ts';
import { postureName } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import css from './organization-switcher.module.css';

/** The organization whose keys are shown, and the others of this person. */
export function OrganizationSwitcher() {
  const { w } = usePageText();
  const { me } = useConsole();
  const name = useOrganizationName();
  const session = useConsoleSession();
  if (me.memberships.length < 2) return <p class={css.only}>{name}</p>;
  return (
    <div class={css.switcher}>
      <Field label={w.organization}>
        {(control) => (
          <select
            {...control}
            value={me.organization_id}
            onChange={(event) => void session.switchTo(event.currentTarget.value)}
          >
            {me.memberships.map(({ organization_id: id, organization_name: name, billing }) => (
              <option key={id} value={id}>
                {name ?? id} · {postureName(billing.posture, w)}
              </option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}
