import type { CiRules, OwnIssuer } from '../../product/ci-rules.ts';
import { PRESETS, rulesWithPins } from './issuer.ts';
import type { Issuer } from './issuer.ts';

/** The issuers that the operator allows, by name. */
export type ConfiguredIssuers = ReadonlyMap<string, Issuer>;

const ORGANIZATION = '{organization}';

/** @param localUrl address of a local WorkOS whose issuers stand in for those of GitHub and GitLab */
export function makeConfiguredIssuers({ issuers }: CiRules, localUrl: string | undefined): ConfiguredIssuers {
  return new Map(
    issuers.map((issuer): [string, Issuer] => {
      if (typeof issuer !== 'string') return [issuer.name, ownIssuer(issuer)];
      const preset = PRESETS[issuer];
      const isLocal = localUrl !== undefined && (issuer === 'github' || issuer === 'gitlab');
      const url = isLocal ? `${localUrl}/_ci/${issuer}` : preset.url;
      return [issuer, { ...preset, name: issuer, url, algorithm: 'RS256' }];
    }),
  );
}

function ownIssuer({ name, url, like, pins = [], algorithm }: OwnIssuer): Issuer {
  return { name, url, algorithm, rules: like ? PRESETS[like].rules : rulesWithPins(pins) };
}

/** Whether policies name an organization of that CI. */
export function hasOrganizations({ url }: Pick<Issuer, 'url'>): boolean {
  return url.includes(ORGANIZATION);
}

/** Returns the issuer's address as tokens name it. */
export function issuerUrl({ url }: Pick<Issuer, 'url'>, organization: string | undefined): string {
  return url.replace(ORGANIZATION, organization ?? '');
}
