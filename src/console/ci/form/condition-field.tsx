import { useId } from 'preact/hooks';
import { Button } from '../../parts/controls/button.tsx';
import field from '../../parts/controls/field.module.css';
import { TrashIcon } from '../../parts/shown/icons.tsx';
import { usePageText } from '../../words/page-text.ts';
import css from './policy-form.module.css';
import type { Comparison, Written } from './policy-draft.ts';

type Props = {
  claim: string;
  written: Written;
  onWritten: (change: Partial<Written>) => void;
  error: string | undefined;
  /** A claim that must have exact values. */
  isPin?: boolean;
  hint?: { text: string; command?: string | undefined };
  /** Id of the list of claims to choose from. */
  known?: string;
  onClaim?: (claim: string) => void;
  onRemove?: () => void;
};

/** One condition: a claim, how it is compared, and with what. */
export function ConditionField({ claim, written, onWritten, error, isPin = false, hint, ...others }: Props) {
  const { w } = usePageText();
  const id = useId();
  const help: Props['hint'] = { is: hint, any: { text: w.anyHelp }, like: { text: w.likeHelp } }[written.comparison];
  return (
    <div class={css.condition} role="group" aria-label={claim === '' ? w.conditions : claim}>
      <ClaimName claim={claim} isPin={isPin} {...others} />
      <select
        class={field.input}
        aria-label={w.comparison}
        value={written.comparison}
        onChange={({ currentTarget: { value } }) => onWritten({ comparison: value as Comparison })}
      >
        <option value="is">{w.is}</option>
        <option value="any">{w.isAny}</option>
        {!isPin && <option value="like">{w.isLike}</option>}
      </select>
      <Value
        claim={claim}
        written={written}
        about={[help && `${id}-help`, error !== undefined && `${id}-error`].filter(Boolean).join(' ')}
        isWrong={error !== undefined}
        onWritten={onWritten}
      />
      {others.onRemove ? (
        <Button kind="quiet" icon label={w.removeCondition(claim)} onClick={others.onRemove}>
          <TrashIcon />
        </Button>
      ) : (
        <span />
      )}
      {help && (
        <p class={css.about} id={`${id}-help`}>
          {help.text} {help.command !== undefined && <code dir="ltr">{help.command}</code>}
        </p>
      )}
      {error !== undefined && (
        <p class={`${css.about} ${field.error}`} id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

type ValueProps = Pick<Props, 'claim' | 'written' | 'onWritten'> & {
  /** Ids of what describes it. */
  about: string;
  isWrong: boolean;
};

function Value({ claim, written: { comparison, text: value }, onWritten, about, isWrong }: ValueProps) {
  const { w } = usePageText();
  const control = {
    'aria-label': claim === '' ? w.value : `${w.value} · ${claim}`,
    ...(about !== '' && { 'aria-describedby': about }),
    ...(isWrong && { 'aria-invalid': true as const }),
    dir: 'ltr' as const,
    spellcheck: false,
    class: `${field.input} ${field.mono}`,
    value,
  };
  const onInput = (event: { currentTarget: { value: string } }) => onWritten({ text: event.currentTarget.value });
  return comparison === 'any' ? (
    <textarea {...control} rows={2} onInput={onInput} />
  ) : (
    <input {...control} type="text" autocomplete="off" maxLength={500} onInput={onInput} />
  );
}

function ClaimName({ claim, isPin, known, onClaim }: Pick<Props, 'claim' | 'isPin' | 'known' | 'onClaim'>) {
  const { w } = usePageText();
  if (isPin === true || !onClaim) return <code class={css.claim}>{claim}</code>;
  return (
    <input
      type="text"
      dir="ltr"
      class={`${field.input} ${field.mono}`}
      aria-label={w.claim}
      placeholder={w.claim}
      list={known}
      autocomplete="off"
      spellcheck={false}
      maxLength={128}
      value={claim}
      onInput={({ currentTarget: { value } }) => onClaim(value)}
    />
  );
}
