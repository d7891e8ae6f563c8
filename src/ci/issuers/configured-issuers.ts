import type { CiPreset, CiRules, OwnIssuer } from '../../product/ci-rules.ts';
import { PRESETS, rulesWithPins } from './issuer.ts';
import type { Issuer } from './issuer.ts';

/** The issuers that the operator allows, by name. */
export type ConfiguredIssuers = ReadonlyMap<string, Issuer>;

const ORGANIZATION = '{organization}';

/** The end of hosts that are reserved for tests. Source: RFC 6761, section 6.2. */
const RESERVED_HOST = '.test';
const PATHS: Readonly<Record<CiPreset, string>> = {
  github: 'github',
  gitlab: 'gitlab',
  buildkite: 'buildkite',
  circleci: `circleci/org/${ORGANIZATION}`,
};

/** @param localUrl address of a local WorkOS, whose issuers stand in for those of the presets, and for own ones at `….test` */
export function makeConfiguredIssuers({ issuers }: CiRules, localUrl: string | undefined): ConfiguredIssuers {
  return new Map(
    issuers.map((issuer): [string, Issuer] => {
      if (typeof issuer !== 'string') return [issuer.name, ownIssuer(issuer, localUrl)];
      const preset = PRESETS[issuer];
      const url = localUrl === undefined ? preset.url : `${localUrl}/_ci/${PATHS[issuer]}`;
      return [issuer, { ...preset, name: issuer, kind: issuer, url, algorithm: 'RS256' }];
    }),
  );
}

function ownIssuer({ name, url: own, like, pins = [], algorithm }: OwnIssuer, localUrl: string | undefined): Issuer {
  const isLocal = localUrl !== undefined && new URL(own).hostname.endsWith(RESERVED_HOST);
  const url = isLocal ? `${localUrl}/_ci/${name}` : own;
  return { name, kind: like ?? 'own', url, algorithm, rules: like ? PRESETS[like].rules : rulesWithPins(pins) };
}

/** Whether policies name an organization of that CI. */
export function hasOrganizations({ url }: Pick<Issuer, 'url'>): boolean {
  return url.includes(ORGANIZATION);
}

/** Returns the issuer's address as tokens name it. */
export function issuerUrl({ url }: Pick<Issuer, 'url'>, organization: string | undefined): string {
  return url.replace(ORGANIZATION, organization ?? '');
}
