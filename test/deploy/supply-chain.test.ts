import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { shippedPackages } from '../../scripts/reference/licences.ts';
import { ROOT, tryTool } from './tools.ts';

type Workflow = {
  permissions: object;
  jobs: Record<string, { permissions: object; steps: { uses?: string; run?: string }[] }>;
};

/** Licences under which a package may be shipped with no more than its notice. */
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense'];

test('every package that ships has a permissive licence', () => {
  const packages = shippedPackages();
  expect(packages.length).toBeGreaterThan(80);
  expect(packages.filter(({ license }) => !PERMISSIVE.includes(license))).toEqual([]);
});

describe('.github/workflows/release.yml', () => {
  const text = readFileSync(join(ROOT, '.github', 'workflows', 'release.yml'), 'utf8');
  const { permissions, jobs } = parse(text) as Workflow;
  const { permissions: granted, steps } = jobs['image']!;
  const scripts = steps.flatMap(({ run }) => run ?? []);

  test('pins each action by commit, and grants no more than the push and the signature need', () => {
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.length).toBeGreaterThan(1);
    expect(actions.filter((uses) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(uses))).toEqual([]);
    expect(permissions).toEqual({});
    expect(granted).toEqual({ contents: 'read', packages: 'write', 'id-token': 'write' });
  });

  test('has scripts that bash reads and that stop at the first failure', () => {
    expect(scripts.length).toBeGreaterThan(3);
    for (const script of scripts) {
      expect(tryTool('bash', ['-n'], { input: script })).toMatchObject({ status: 0, stderr: '' });
      expect(script).toMatch(/^set -euo pipefail\n/);
    }
  });

  test('compares two builds as the image is built in CI, and signs and attests the digest that it pushes', () => {
    const all = scripts.join('\n');
    const build = readFileSync(join(ROOT, 'test', 'deploy', 'image.ts'), 'utf8');
    for (const option of ['--timestamp', '--no-cache', 'BUILD_IMAGE=', 'BASE_IMAGE='])
      for (const builder of [all, build]) expect(builder).toContain(option);
    expect(all).toContain('cmp "$RUNNER_TEMP/first" "$RUNNER_TEMP/second"');
    const digested = all.indexOf('signed=$image@$(cat "$RUNNER_TEMP/digest")');
    for (const command of ['cosign sign --yes', '--type cyclonedx', '--type slsaprovenance1'])
      expect(all.indexOf(command)).toBeGreaterThan(digested);
    expect(all.match(/^cosign (?:sign|attest) .*"\$signed"$/gm)).toHaveLength(3);
  });
});
