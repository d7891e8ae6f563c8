import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FULL } from '../../bench/length.ts';
import { readme } from '../../bench/report/readme.ts';
import { reportFiles } from '../../bench/report/report.ts';
import { resultNames, storedText, toResult } from '../../bench/report/results.ts';
import type { Result } from '../../bench/report/results.ts';
import { SECTIONS } from '../../bench/sections.ts';

const measured = {
  date: '2026-01-02',
  machine: 'a machine',
  load: 0.1,
  pinned: true,
  rounds: FULL.rounds,
  seconds: FULL.seconds,
  versions: 'Node 24',
};
const finding = { measure: 'a rate', mustReach: 'at least 2×', reached: '3×', ok: true };
const rounds = {
  'a server': [
    { requestsPerSecond: 100.4, p50: 1, p99: 2 },
    { requestsPerSecond: 3_000, p50: 2, p99: 3 },
    { requestsPerSecond: 200, p50: 3, p99: 40 },
  ],
};
const outcome = { findings: [finding], rounds, raw: 'One line.\nAnother.\n' };
const sections = [
  { name: 'first', title: 'First things' },
  { name: 'second', title: 'Second things' },
];
const readmeOf = (results: Readonly<Record<string, Result>>) => readme(sections, (name) => results[name]);

const files = await reportFiles();

describe.each(files.map(({ path, text }) => [path, text] as const))('%s', (path, text) => {
  it('is what the stored results make; `npm run docs:bench` writes it', () => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(text);
  });
});

describe('bench/README.md', () => {
  const committed = readFileSync(new URL('../../bench/README.md', import.meta.url), 'utf8');

  it('shows every section, or names it as not measured', () => {
    const names = SECTIONS.filter(({ title }) => !committed.includes(`\n## ${title}\n`)).map(({ name }) => name);
    const missing = /^Not measured yet: (.*)\.$/m.exec(committed)?.[1] ?? '';
    expect(missing.split(', ').filter(Boolean)).toEqual(names.map((name) => `\`${name}\``));
  });

  it('leaves out no stored result', () => {
    const names = SECTIONS.map(({ name }) => name);
    expect(resultNames().filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('readme', () => {
  it('shows findings, rounds and notes of a section, with its date and machine', async () => {
    const text = await readmeOf({ first: toResult(measured, outcome), second: toResult(measured, outcome) });
    expect(text).toMatch(/\| a rate +\| at least 2× +\| 3× +\| yes +\| 2026-01-02 \|/);
    expect(text).toContain('## First things\n\nMeasured 2026-01-02 on a machine; load average before the run 0.10.\n');
    expect(text).toMatch(/\| a server +\| \*\*200\*\* +\| 100 · 3,000 · 200 +\| 2\.00 \/ 3\.00 +\|/);
    expect(text).toContain('\n\nOne line.\nAnother.\n');
    expect(text).not.toContain('Not measured yet');
  });

  it('names the sections that have no result', async () => {
    expect(await readmeOf({ first: toResult(measured, outcome) })).toContain('\nNot measured yet: `second`.\n');
  });

  it('says of each section when the versions, the length or the machine differ', async () => {
    const other = { ...measured, machine: 'a laptop', load: 3, pinned: false, rounds: 2, versions: 'Node 26' };
    const text = await readmeOf({ first: toResult(measured, outcome), second: toResult(other, outcome) });
    expect(text).toContain('\n`first`: Node 24.\n\n`second`: Node 26.\n');
    expect(text).toContain(
      'on a laptop; load average before the run 3.00. Other work was running: compare ratios, not figures.',
    );
    expect(text).toContain('no taskset there. 2 rounds of 3 s.\n');
  });
});

describe('storedText', () => {
  it('keeps four digits of a number, and the rounds as whole requests a second', async () => {
    const figures = { memory: { mb: [137.123_456, 200] } };
    const result = toResult(measured, { ...outcome, figures });
    expect(JSON.parse(await storedText('a', result))).toEqual({
      measured,
      findings: [finding],
      rounds: { 'a server': { requestsPerSecond: [100, 3_000, 200], p50: 2, p99: 3 } },
      figures: { memory: { mb: [137.1, 200] } },
      raw: ['One line.', 'Another.'],
    });
  });

  it('refuses a result that is too long to be kept', async () => {
    const result = toResult(measured, { ...outcome, raw: 'a line\n'.repeat(10_000) });
    await expect(storedText('a', result)).rejects.toThrow(/the result of a has \d+ bytes; at most 32768/);
  });
});
