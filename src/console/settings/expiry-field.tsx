import { useConsole } from '../data/console.ts';
import { SelectField, TextField } from '../parts/controls/field.tsx';
import { useText } from '../words/text.ts';
import { ON_DATE, expiryOptions, localDate, longestDays } from './expiry.ts';
import type { ExpiryChoice } from './expiry.ts';
import css from './settings-fields.module.css';

type Props = {
  value: ExpiryChoice;
  onValue: (value: ExpiryChoice) => void;
  error: string | undefined;
  /** An entry before all others, such as what the key has now. */
  first?: { value: string; text: string } | undefined;
};

/** When a key expires: a usual lifetime, a date, or never, within what product and plan allow. */
export function ExpiryField({ value, onValue, error, first }: Props) {
  const { w, f } = useText();
  const facts = useConsole();
  const most = longestDays(facts);
  const isDate = value.choice === ON_DATE;
  const options = expiryOptions(facts, w, f);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <div class={css.pair}>
      <SelectField
        label={w.expires}
        hint={most === undefined ? undefined : w.atMost(f.duration(most * 86_400))}
        error={isDate ? undefined : error}
        value={value.choice}
        onValue={(choice) => onValue({ ...value, choice })}
        options={first ? [first, ...options] : options}
      />
      {isDate && (
        <TextField
          label={w.lastDay}
          hint={zone}
          type="date"
          min={localDate(Date.now())}
          max={most === undefined ? undefined : localDate(Date.now() + most * 86_400_000)}
          value={value.date}
          error={error}
          onValue={(date) => onValue({ ...value, date })}
        />
      )}
    </div>
  );
}
