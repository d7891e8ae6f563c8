import { describe, expect, it } from 'vitest';
import { blocks } from '../../bench/report/blocks.ts';
import { CHARTS, charts } from '../../bench/report/charts/charts.ts';
import type { Stored } from '../../bench/report/charts/charts.ts';
import { barChart } from '../../bench/report/charts/bars.ts';
import { ticks } from '../../bench/report/charts/svg.ts';
import { readFailovers } from '../../bench/report/failovers.ts';
import { filled } from '../../bench/report/report.ts';
import { readResult } from '../../bench/report/results.ts';

const MOST_BYTES = 8_192;
const stored: Stored = { section: readResult, failovers: readFailovers() };
const drawn = charts(stored);

const widthsOf = (svg: string) =>
  [...svg.matchAll(/class="own"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));

/** The tags that are open at the end, or that close what is not open. */
function unbalanced(svg: string): string[] {
  const open: string[] = [];
  for (const [, closes, name, alone] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (alone === '/') continue;
    if (closes === '') open.push(name!);
    else if (open.pop() !== name) return [`</${name}>`];
  }
  return open;
}

describe('the charts of what is stored', () => {
  it('are all, but of what was not measured yet', () => {
    const names = drawn.map(({ name }) => name);
    expect(CHARTS.filter((name) => names.includes(name))).toEqual(names);
    expect(names).toEqual(
      expect.arrayContaining(['verifications', 'cold-verifications', 'revocations', 'memory', 'outages']),
    );
  });

  it.each(drawn.map((chart) => [chart.name, chart] as const))(
    '%s is small, whole, described, readable on a dark page, and loads nothing',
    (_name, { svg, title, description }) => {
      expect(svg.length).toBeLessThan(MOST_BYTES);
      expect(unbalanced(svg)).toEqual([]);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg).toContain(`>${title.replaceAll('&', '&amp;')}</title>`);
      expect(svg).toMatch(/<desc id="[a-z-]+">.{20,}<\/desc>/);
      expect(description).toMatch(/\d/);
      expect(svg).toContain('prefers-color-scheme:dark');
      expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|<image|<script/);
    },
  );

  it('show verification beside each of its alternatives', () => {
    const { description } = drawn.find(({ name }) => name === 'verifications')!;
    for (const other of ['echo', 'node:http', 'Better Auth, keys in PostgreSQL', 'createValidation']) {
      expect(description).toContain(other);
    }
    expect(description.match(/Latchkey: /g)).toHaveLength(3);
  });

  it('show an outage with and without a grace', () => {
    const { description } = drawn.find(({ name }) => name === 'outages')!;
    expect(description).toMatch(/No primary for [\d.]+ s: refuse, the default [\d.]+ s, with a grace of 60 s/);
  });

  it('show what one request takes beside few and many keys', () => {
    const rounds = {
      'a list, first page, 1,000 keys': { requestsPerSecond: [1_000], p50: 1, p99: 2 },
      'a list, first page, 50,000,000 keys': { requestsPerSecond: [900], p50: 1.2, p99: 2.5 },
    };
    const { measured } = readResult('cold')!;
    const section = (name: string) => (name === 'many' ? { measured, findings: [], rounds, raw: [] } : undefined);
    const [chart] = charts({ section, failovers: {} });
    expect(chart?.description).toBe(
      'In milliseconds. a list, first page: 1,000 keys 1.00 ms, p99 2.00 ms, 50,000,000 keys 1.20 ms, p99 2.50 ms.',
    );
  });

  it('are left out where nothing is stored', () => {
    expect(charts({ section: () => undefined, failovers: {} })).toEqual([]);
  });
});

describe('barChart', () => {
  const words = { name: 'a', title: 'A <title>', description: 'b', notes: [] };
  const bar = { label: 'a & b', shown: '10', style: 'own' as const };
  const svgOf = (...values: number[]) =>
    barChart(words, 'apples', [{ label: '', bars: values.map((value) => ({ ...bar, value })) }]);

  it('draws bars from zero, as long as their values', () => {
    const [ten, five] = widthsOf(svgOf(10, 5));
    expect(ten! / five!).toBeCloseTo(2, 2);
  });

  it('escapes words', () => {
    expect(svgOf(10)).toContain('A &lt;title&gt;');
    expect(svgOf(10)).toContain('>a &amp; b<');
  });
});

describe('ticks', () => {
  it.each([
    [58_759, [0, 20_000, 40_000, 60_000]],
    [6.23, [0, 2, 4, 6, 8]],
    [0.9, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  ])('of %d are round and reach it', (most, expected) => {
    expect(ticks(most)).toEqual(expected);
  });
});

describe('a page with parts', () => {
  const page = 'before <!-- written by `npm run docs:bench`: growth -->old<!-- end --> after';

  it('has each part between its comments, and all else as it was', () => {
    expect(filled(page, { growth: 'new' })).toBe(
      'before <!-- written by `npm run docs:bench`: growth -->\n\nnew\n\n<!-- end --> after',
    );
  });

  it('is refused when it asks for what was not measured', () => {
    expect(() => filled(page, {})).toThrow('nothing is measured of growth');
  });

  it('has a line for every outage, and for every other scenario that is stored', () => {
    const parts = blocks(stored, drawn);
    const lines = `${parts['outages in figures']}${parts['failovers']}`;
    for (const name of Object.keys(stored.failovers)) expect(lines).toContain(`| \`${name}\``);
  });
});
