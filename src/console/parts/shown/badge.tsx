import type { ComponentChildren } from 'preact';
import css from './badge.module.css';

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'info';

export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`${css.badge} ${css[tone] ?? ''}`}>{children}</span>;
}
