import css from './choices.module.css';

type RadioProps<T extends string> = {
  legend?: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onValue: (value: T) => void;
};

/** One of a few, all in sight. */
export function Radios<T extends string>({ legend, value, options, onValue }: RadioProps<T>) {
  const name = options.map(([each]) => each).join('-');
  return (
    <fieldset class={css.group}>
      {legend !== undefined && <legend>{legend}</legend>}
      <div class={css.options}>
        {options.map(([each, text]) => (
          <label key={each}>
            <input type="radio" name={name} checked={each === value} onChange={() => onValue(each)} />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

type CheckProps<T extends string> = {
  legend: string;
  values: readonly T[];
  options: readonly { value: T; text: string; about?: string | undefined; isOff?: boolean }[];
  error?: string | undefined;
  onValues: (values: T[]) => void;
};

/** Any of a few, all in sight. */
export function Checks<T extends string>({ legend, values, options, error, onValues }: CheckProps<T>) {
  const toggle = (value: T) =>
    onValues(values.includes(value) ? values.filter((each) => each !== value) : [...values, value]);
  return (
    <fieldset class={css.group}>
      <legend>{legend}</legend>
      <div class={css.options}>
        {options.map(({ value, text, about, isOff = false }) => (
          <label key={value} title={about}>
            <input
              type="checkbox"
              checked={values.includes(value)}
              disabled={isOff && !values.includes(value)}
              onChange={() => toggle(value)}
            />
            {text}
          </label>
        ))}
      </div>
      {error !== undefined && (
        <p class={css.error} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}
