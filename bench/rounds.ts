import { checkAnswers, load, sampleOf } from './load.ts';
import type { Sample, Target } from './load.ts';
import type { Length } from './section.ts';

export type Rounds = readonly Sample[];

const WARM_SECONDS = 3;
const SHORT_WARM_SECONDS = 0.2;

/** Runs rounds in which every target has its turn, so that a slow moment of the machine affects all of them. */
export async function interleave<Name extends string>(
  targets: Readonly<Record<Name, Target>>,
  { rounds, seconds, short }: Pick<Length, 'rounds' | 'seconds' | 'short'>,
): Promise<Record<Name, Rounds>> {
  const each = Object.entries<Target>(targets);
  for (const [, target] of each) {
    await checkAnswers(target);
    await load(target, short ? SHORT_WARM_SECONDS : WARM_SECONDS);
  }
  const samples: Record<string, Sample[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, target] of each) (samples[name] ??= []).push(await load(target, seconds));
  }
  for (const [, target] of each) await checkAnswers(target);
  return samples;
}

export function median(values: readonly number[]): number {
  return sampleOf([...values], 1).p50;
}

export function medianOf(rounds: Rounds, field: keyof Sample): number {
  return median(rounds.map((sample) => sample[field]));
}

/** Returns the median over the rounds of one target's value divided by the other's. */
export function ratio(one: Rounds, other: Rounds, field: keyof Sample): number {
  return median(one.map((sample, round) => sample[field] / other[round]![field]));
}
