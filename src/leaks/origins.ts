import type { SignedAccess } from '../http/route.ts';

/** The senders of leak reports. All sign in GitHub's way; each has headers and public keys of its own. */
export const LEAK_ORIGINS = ['github', 'gitlab', 'depsdev'] as const;
export type LeakOrigin = (typeof LEAK_ORIGINS)[number];

type Facts = {
  scheme: SignedAccess['schemes'][number];
  /** Header that names the public key of the signature. */
  keyIdHeader: string;
  /** Whether it takes word of which tokens were keys. */
  takesLabels: boolean;
};

const DESCRIPTION = 'ECDSA P-256 with SHA-256 over the body, as base64 of DER; made with the key that';

/** Sources: GitHub's secret scanning partner programme, and how PyPI receives from GitHub and deps.dev. */
export const ORIGIN_FACTS: Readonly<Record<LeakOrigin, Facts>> = {
  github: facts('GitHub', 'github', 'Github-Public-Key', true),
  gitlab: facts('GitLab', 'gitlab', 'Gitlab-Public-Key', false),
  depsdev: facts('deps.dev', 'depsdev', 'Gosst-Public-Key', false),
};

function facts(sender: string, origin: LeakOrigin, header: string, takesLabels: boolean): Facts {
  const keyIdHeader = `${header}-Identifier`;
  return {
    scheme: {
      name: `${origin}LeakSignature`,
      sender,
      header: `${header}-Signature`,
      description: `${DESCRIPTION} \`${keyIdHeader}\` names.`,
    },
    keyIdHeader,
    takesLabels,
  };
}

/** Returns the origin of a request with exactly one signature; undefined otherwise. */
export function originOfReport(
  origins: readonly LeakOrigin[],
  header: (name: string) => string | undefined,
): LeakOrigin | undefined {
  const signed = origins.filter((origin) => header(ORIGIN_FACTS[origin].scheme.header) !== undefined);
  return signed.length === 1 ? signed[0] : undefined;
}
