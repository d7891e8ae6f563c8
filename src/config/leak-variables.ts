import { z } from 'zod';
import { fetchedUrl, list } from './variable-types.ts';

/** Who reports published keys, and where their public keys are. */
export const leakReports = {
  LATCHKEY_LEAK_ORIGINS: list
    .pipe(z.array(z.enum(['github', 'gitlab', 'depsdev'])).max(3))
    .default([])
    .describe(
      'Senders whose reports of published keys are taken, separated by commas: `github`, `gitlab`, `depsdev`; without any the route does not exist (docs/how-to/receive-leak-reports.md).',
    ),
  LATCHKEY_LEAK_KEYS_GITHUB: fetchedUrl
    .default('https://api.github.com/meta/public_keys/secret_scanning')
    .describe('Address of the public keys by which GitHub signs its reports.'),
  LATCHKEY_LEAK_KEYS_GITLAB: fetchedUrl
    .optional()
    .describe('Address of the public keys of GitLab, which names it to its partners; required with `gitlab`.'),
  LATCHKEY_LEAK_KEYS_DEPSDEV: fetchedUrl
    .default('https://storage.googleapis.com/depsdev-gcp-public-keys/secret_scanning')
    .describe('Address of the public keys of deps.dev.'),
};
