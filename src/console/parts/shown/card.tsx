import type { ComponentChildren } from 'preact';
import css from './card.module.css';

type Props = { title: string; aside?: ComponentChildren; children: ComponentChildren };

/** A part of a screen, under a heading of its own. */
export function Card({ title, aside, children }: Props) {
  return (
    <section class={css.card}>
      <header class={css.head}>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Names with their values; those without a value are left out. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class={css.facts}>
      {of
        .filter(([, value]) => value !== undefined && value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
