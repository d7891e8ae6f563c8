import { z } from 'zod';

/** Issuers whose tokens are known here; each has rules in src/ci/issuers. */
export const CI_PRESETS = ['github', 'gitlab', 'buildkite', 'circleci'] as const;
export type CiPreset = (typeof CI_PRESETS)[number];

const PRESET_NAMES: ReadonlySet<string> = new Set(CI_PRESETS);
const MAX_ADDRESS = 300;
/** A host with a dot, in lower case; no user, port, query or fragment. */
const ADDRESS =
  /^https:\/\/(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](?:\/[A-Za-z0-9._~/-]*)?$/;

const address = z
  .string()
  .max(MAX_ADDRESS)
  .regex(ADDRESS, 'must be an https address with a host name in lower case, without user, port or query')
  .refine((url) => URL.parse(url)?.href.replace(/\/$/, '') === url.replace(/\/$/, ''), 'must be written without ..');
const claim = z.string().regex(/^[\w.:/-]{1,128}$/, 'must be the name of a claim');

const OwnIssuer = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'needs lower-case letters, digits, _ or -, at most 32, beginning with a letter')
      .describe('Name by which policies choose the issuer.'),
    url: address.describe('The issuer, exactly as its tokens name it in `iss`.'),
    like: z
      .enum(['github', 'gitlab'])
      .optional()
      .describe('Preset whose rules hold: for GitHub Enterprise, or GitLab on a host of your own.'),
    pins: z
      .array(claim)
      .min(1)
      .max(8)
      .optional()
      .describe('Claims with immutable ids, all of which a policy must pin; required unless `like` is given.'),
    algorithm: z.enum(['RS256', 'ES256']).default('RS256').describe('Algorithm that its tokens are signed with.'),
  })
  .describe('An OIDC issuer of your own.');

/** The `ci` section of the product's file. */
export const CiRules = z
  .strictObject({
    audience: address
      .optional()
      .describe('Address of this installation, with which the `aud` of CI tokens begins: `AUDIENCE/ci/org_…`.'),
    guide_url: z
      .string()
      .max(MAX_ADDRESS)
      .regex(/^https?:\/\/[\w.:[\]-]+(?:\/[^\s<>"]*)?$/, 'must be an address such as https://example.com/ci')
      .optional()
      .describe("Your own guide for customers' CI jobs, to which the console links."),
    issuers: z
      .array(z.union([z.enum(CI_PRESETS), OwnIssuer]))
      .max(20)
      .default([])
      .describe(
        'Issuers whose tokens CI jobs may exchange for keys: presets by name, or issuers of your own; none, if not given.',
      ),
  })
  .prefault({})
  .describe('Keys for CI jobs without stored secrets (docs/how-to/provision-keys-in-ci.md).');

export type CiRules = z.output<typeof CiRules>;
export type OwnIssuer = z.output<typeof OwnIssuer>;

type Report = (path: (string | number)[], message: string) => void;

export function checkCiRules({ audience, issuers }: CiRules, report: Report): void {
  if (issuers.length > 0 && audience === undefined) report(['audience'], 'is needed where there are issuers');
  const names = issuers.map((issuer) => (typeof issuer === 'string' ? issuer : issuer.name));
  for (const [i, issuer] of issuers.entries()) {
    const path = ['issuers', i];
    if (names.indexOf(names[i]!) < i) report(path, `the issuer '${names[i]}' is there twice`);
    if (typeof issuer === 'string') continue;
    if (PRESET_NAMES.has(issuer.name)) report([...path, 'name'], `'${issuer.name}' is the name of a preset`);
    if ((issuer.like === undefined) === (issuer.pins === undefined))
      report([...path, 'pins'], 'give either pins or like');
  }
}
