import { createHash, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import type { DoctorOptions } from './world.ts';

type Where = { apiUrl: string; clientIds: readonly string[]; redirectUri: string | undefined };

const confirmDevice: DoctorOptions['confirmDevice'] = async ({ url, userCode, email, password, organizationId }) => {
  const lines = [
    `Open ${url}, compare the code ${userCode}, and sign in as ${email} with ${password}`,
    `to ${organizationId}. Then press Enter: `,
  ];
  await ask(lines.join('\n'));
};

/** Asks the person at the terminal to sign in. Secrets are shown there, and in no report. */
export function askPerson({
  apiUrl,
  clientIds,
  redirectUri,
}: Where): Pick<DoctorOptions, 'confirmDevice' | 'browserCode'> {
  if (redirectUri === undefined) return { confirmDevice };
  const browserCode: DoctorOptions['browserCode'] = async ({ email, password }) => {
    const verifier = randomBytes(32).toString('base64url');
    const url = new URL(`${apiUrl}/user_management/authorize`);
    url.search = new URLSearchParams({
      response_type: 'code',
      provider: 'authkit',
      client_id: clientIds[0] ?? '',
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString();
    const answer = await ask(
      `Open ${url.href}\nand sign in as ${email} with ${password}. Paste the address that you are sent to: `,
    );
    return { code: URL.parse(answer.trim())?.searchParams.get('code') ?? answer.trim(), verifier };
  };
  return { confirmDevice, browserCode };
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
