import type { FailoverResult } from '../failovers.ts';
import { median } from '../../rounds.ts';
import type { Figures } from '../../section.ts';
import { count, ms } from '../../tables.ts';
import type { StoredRounds } from '../../tables.ts';
import type { Place } from '../measured.ts';
import type { Result } from '../results.ts';
import { barChart } from './bars.ts';
import type { Bar, Group } from './bars.ts';
import { lineChart } from './line.ts';
import type { Words } from './svg.ts';

/** What is stored of sections and of failovers. */
export type Stored = {
  section: (name: string) => Result | undefined;
  failovers: Readonly<Record<string, FailoverResult>>;
};
export type Chart = Words & { svg: string };
type Draw = (stored: Stored) => Chart | undefined;

const COMPARED = [
  ['verification', 'HTTP servers that do less'],
  ['better-auth', "Better Auth's API-key plugin"],
  ['workos-sdk', 'A call of WorkOS for each request, 40 ms away'],
] as const;
const SHOWN = /verify`$|echo|^`node:http`|Better Auth|createValidation`$/;
const OWN = /verify`$/;
const RANGE = 'Bar: median of the rounds. Thin line: slowest to fastest round.';

/** The names of all charts, which are those of their files. */
export const CHARTS = ['verifications', 'cold-verifications', 'many-keys', 'revocations', 'memory', 'outages'];

/** Returns every chart of which something was measured. */
export function charts(stored: Stored): Chart[] {
  return [verifications, cold, many, revocations, memory, outages].flatMap((draw: Draw) => draw(stored) ?? []);
}

/** Verification from memory beside its alternatives, each group of one run. */
function verifications({ section }: Stored): Chart | undefined {
  const groups = COMPARED.flatMap(([name, label]) => {
    const rounds = Object.entries(section(name)?.rounds ?? {}).filter(([row]) => SHOWN.test(row));
    return rounds.length === 0 ? [] : [{ label, bars: rounds.map(rateBar) }];
  });
  const words = {
    name: 'verifications',
    title: 'Verification from memory, beside its alternatives',
    notes: ['Each group was measured in one run, on one core: compare within a group.', RANGE],
  };
  return bars(words, 'requests a second', groups);
}

function cold({ section }: Stored): Chart | undefined {
  const rows = Object.entries(section('cold')?.rounds ?? {});
  const words = {
    name: 'cold-verifications',
    title: 'Verification of keys that are not in memory',
    notes: [`A random key each time. ${RANGE}`, placed(section('cold')?.measured)],
  };
  const shown = rows.filter(([name]) => /^[\d,]+ keys/.test(name));
  return bars(words, 'requests a second', [{ label: '', bars: shown.map(rateBar) }]);
}

/** Latencies beside a small and a large mirror, from rows such as `a search, 1,000 keys`. */
function many({ section }: Stored): Chart | undefined {
  const rows = Object.entries(section('many')?.rounds ?? {}).flatMap(([name, { p50, p99 }]) => {
    const [, work, keys] = /^(.*), ([\d,]+ keys)$/.exec(name) ?? [];
    return work === undefined ? [] : [{ work: work.replaceAll('`', ''), bar: latencyBar(keys!, p50, p99) }];
  });
  const words = {
    name: 'many-keys',
    title: 'One request at a time, beside few and many keys',
    notes: ['Bar: median. Thin line: to the p99.', placed(section('many')?.measured)],
  };
  const groups = [...Map.groupBy(rows, ({ work }) => work)];
  return bars(
    words,
    'milliseconds',
    groups.map(([label, of]) => ({ label, bars: of.map(({ bar }) => bar) })),
  );
}

function latencyBar(label: string, p50: number, p99: number): Bar {
  return { label, value: p50, shown: `${ms(p50)} ms, p99 ${ms(p99)} ms`, style: 'own', range: [p50, p99] };
}

function revocations({ section }: Stored): Chart | undefined {
  const delays = Object.entries(section('changes')?.figures ?? {}).flatMap(([label, { p50, p99 }]) =>
    typeof p50 === 'number' && typeof p99 === 'number' ? [{ label, p50, p99 }] : [],
  );
  const words = {
    name: 'revocations',
    title: 'From the answer to a revocation until another process refuses the key',
    notes: ['One revocation after the other, each at one replica.', placed(section('changes')?.measured)],
  };
  const groups = delays.map(({ label, p50, p99 }) => ({
    label: `Refused by ${label}`,
    bars: [
      { label: 'median', value: p50, shown: `${ms(p50)} ms`, style: 'own' as const },
      { label: 'p99', value: p99, shown: `${ms(p99)} ms`, style: 'other' as const },
    ],
  }));
  return bars(words, 'milliseconds', groups);
}

function memory({ section }: Stored): Chart | undefined {
  const measured = memoryOf(section('memory')?.figures);
  if (measured === undefined) return undefined;
  const { minutes, atMost, mb } = measured;
  const words = {
    name: 'memory',
    title: 'Resident memory while random keys are verified',
    notes: [sentence(section('memory')?.findings[0]?.measure), placed(section('memory')?.measured)],
    description: `MB at each tenth of ${minutes} minutes: ${mb.map(count).join(', ')}.`,
  };
  const svg = lineChart(words, {
    x: { unit: 'minutes', most: minutes },
    y: { unit: 'MB', most: Math.max(...mb, atMost + 1) },
    points: mb.map((value, i) => [(i * minutes) / (mb.length - 1), value]),
    bound: atMost,
    boundLabel: `target: at most ${atMost} MB`,
  });
  return { ...words, svg };
}

type Soak = { minutes: number; atMost: number; mb: readonly number[] };

function memoryOf(figures: Figures | undefined): Soak | undefined {
  const { minutes, atMost, mb } = figures?.['resident memory'] ?? {};
  const numbers = typeof minutes === 'number' && typeof atMost === 'number';
  return numbers && typeof mb === 'object' ? { minutes, atMost, mb } : undefined;
}

function outages({ failovers }: Stored): Chart | undefined {
  const found = Object.entries(failovers)
    .filter(([name]) => name.startsWith('outage-'))
    .map(([, result]) => result)
    .toSorted((one, other) => one.seen['noPrimary']! - other.seen['noPrimary']!);
  const words = {
    name: 'outages',
    title: 'Without a good answer while the primary of PostgreSQL is away',
    notes: [
      'One client that asks for one key all the time. Synchronous standby, promoted at the end.',
      placed(found[0]?.measured),
    ],
  };
  const groups = found.map(({ seen }) => ({
    label: `No primary for ${seconds(seen['noPrimary']!)}`,
    bars: [
      outageBar('refuse, the default', seen['noAnswer']!, 'other'),
      outageBar('with a grace of 60 s, a key in memory', seen['noAnswerWithGrace']!, 'own'),
    ],
  }));
  return bars(words, 'seconds without a good answer', groups);
}

function outageBar(label: string, milliseconds: number, style: Bar['style']): Bar {
  return { label, value: milliseconds / 1_000, shown: seconds(milliseconds), style };
}

function rateBar([name, { requestsPerSecond }]: [string, StoredRounds]): Bar {
  const value = median(requestsPerSecond);
  return {
    label: `${OWN.test(name) ? 'Latchkey: ' : ''}${name.replaceAll('`', '')}`,
    value,
    shown: count(value),
    style: OWN.test(name) || name.endsWith('keys') ? 'own' : 'other',
    range: [Math.min(...requestsPerSecond), Math.max(...requestsPerSecond)],
  };
}

/** Returns bars with their figures in words, or nothing where there are none. */
function bars(words: Omit<Words, 'description'>, unit: string, groups: readonly Group[]): Chart | undefined {
  if (groups.every((group) => group.bars.length === 0)) return undefined;
  const inWords = groups.map(
    ({ label, bars: own }) =>
      `${label === '' ? '' : `${label}: `}${own.map((bar) => `${bar.label} ${bar.shown}`).join(', ')}.`,
  );
  const all = { ...words, description: `In ${unit}. ${inWords.join(' ')}` };
  return { ...all, svg: barChart(all, unit, groups) };
}

function sentence(text = ''): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function placed(place: Place | undefined): string {
  if (place === undefined) return '';
  return `Measured ${place.date} on ${place.machine}; load average before the run ${place.load.toFixed(2)}.`;
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(milliseconds < 1_000 ? 2 : 1)} s`;
}
