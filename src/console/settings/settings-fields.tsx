import { useConsole } from '../data/console.ts';
import { Field, SelectField, TextField } from '../parts/controls/field.tsx';
import { useText } from '../words/text.ts';
import { addressesIn } from './settings.ts';
import type { Settings } from './settings.ts';
import css from './settings-fields.module.css';

const WINDOWS = [1, 60, 3_600, 86_400];

type Errors = Readonly<Record<string, string | undefined>>;
type Props = { value: Settings; onValue: (change: Partial<Settings>) => void; errors: Errors };

/** Description, limits and addresses of a key. */
export function SettingsFields({ value, onValue, errors }: Props) {
  const { w } = useText();
  const { limits } = useConsole().organization;
  return (
    <>
      <TextField
        label={w.description}
        isOptional
        maxLength={500}
        value={value.description}
        error={errors['description']}
        onValue={(description) => onValue({ description })}
      />
      <div class={css.pair}>
        <TextField
          label={w.rateLimit}
          isOptional
          inputMode="numeric"
          placeholder={limits.rate_limit === null ? w.unlimited : String(limits.rate_limit.limit)}
          value={value.rate}
          error={errors['rate_limit']}
          onValue={(rate) => onValue({ rate })}
        />
        <Window value={value.windowSeconds} onValue={(windowSeconds) => onValue({ windowSeconds })} />
        <TextField
          label={w.concurrency}
          isOptional
          inputMode="numeric"
          placeholder={limits.concurrency === null ? w.unlimited : String(limits.concurrency)}
          value={value.concurrency}
          error={errors['concurrency']}
          onValue={(concurrency) => onValue({ concurrency })}
        />
      </div>
      <AddressesField
        value={value.addresses}
        error={errors['ip_allow_list']}
        onValue={(addresses) => onValue({ addresses })}
      />
    </>
  );
}

function Window({ value, onValue }: { value: string; onValue: (value: string) => void }) {
  const { w, f } = useText();
  const seconds = [...new Set([...WINDOWS, Number(value)])].toSorted((a, b) => a - b);
  const options = seconds.map((each) => ({ value: String(each), text: f.duration(each) }));
  return <SelectField label={w.rateWindow} value={value} onValue={onValue} options={options} />;
}

type AddressesProps = { value: string; error: string | undefined; onValue: (value: string) => void };

/** Addresses that a key or an organization is accepted from, with the caller's own at hand. */
export function AddressesField({ value, error, onValue }: AddressesProps) {
  const { w } = useText();
  const { ip } = useConsole().me;
  const hint = (
    <span class={css.own}>
      {w.addressesHelp}
      {ip !== null && (
        <>
          {' '}
          {w.youAreAt(ip)}{' '}
          {!addressesIn(value).includes(ip) && (
            <button type="button" class={css.add} onClick={() => onValue(`${value.trimEnd()}\n${ip}`.trimStart())}>
              {w.addIt}
            </button>
          )}
        </>
      )}
    </span>
  );
  return (
    <Field label={w.addresses} isOptional hint={hint} error={error}>
      {(control) => (
        <textarea
          {...control}
          dir="ltr"
          rows={2}
          spellcheck={false}
          placeholder={'203.0.113.7\n2001:db8::/32'}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
