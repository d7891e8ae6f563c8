import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import { useText } from '../../words/text.ts';
import css from './field.module.css';

type Described = {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  isOptional?: boolean | undefined;
};
type Control = { id: string; class: string; 'aria-describedby'?: string; 'aria-invalid'?: true };

/** A control with its label, hint and error, tied together for screen readers. */
export function Field({
  label,
  hint,
  error,
  isOptional,
  children,
}: Described & { children: (control: Control) => ComponentChildren }) {
  const { w } = useText();
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`]
    .filter(Boolean)
    .join(' ');
  return (
    <div class={css.field}>
      <label class={css.label} for={id}>
        {label} {isOptional && <span class={css.optional}>({w.optional})</span>}
      </label>
      {children({
        id,
        class: css.input ?? '',
        ...(described !== '' && { 'aria-describedby': described }),
        ...(error !== undefined && { 'aria-invalid': true }),
      })}
      {hint !== undefined && (
        <p class={css.hint} id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p class={css.error} id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

type TextProps = Described & {
  value: string;
  onValue: (value: string) => void;
  type?: 'text' | 'number' | 'date' | 'datetime-local' | undefined;
  inputMode?: 'text' | 'numeric' | undefined;
  placeholder?: string | undefined;
  maxLength?: number | undefined;
  isFirst?: boolean | undefined;
  isMono?: boolean | undefined;
  min?: string | undefined;
  max?: string | undefined;
};

export function TextField({ value, onValue, isFirst, isMono, label, hint, error, isOptional, ...rest }: TextProps) {
  return (
    <Field label={label} hint={hint} error={error} isOptional={isOptional}>
      {(control) => (
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          {...withoutUndefined(rest)}
          {...control}
          class={`${control.class} ${isMono ? (css.mono ?? '') : ''}`}
          autofocus={isFirst ?? false}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

type SelectProps = Described & {
  value: string;
  onValue: (value: string) => void;
  options: readonly { value: string; text: string; isOff?: boolean }[];
};

export function SelectField({ value, onValue, options, ...described }: SelectProps) {
  return (
    <Field {...described}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value} disabled={option.isOff ?? false}>
              {option.text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function withoutUndefined(props: object): JSX.HTMLAttributes<HTMLInputElement> {
  return Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));
}
