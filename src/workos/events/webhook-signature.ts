import { WorkOS } from '@workos-inc/node';

/** The default of WorkOS's SDK: a recorded webhook cannot be replayed later than this. */
const TOLERANCE_MS = 3 * 60_000;
const SENT_AT = /^t=(\d{10,16}),/;

export type VerifyWebhook = (body: Buffer, signature: string) => Promise<boolean>;

/** Creates the check that WorkOS signed a body recently: the SDK's own, plus a limit on times in the future. */
export function makeVerifyWebhook(secret: string, options: { apiKey: string; clientId: string }): VerifyWebhook {
  const { webhooks } = new WorkOS(options);
  return async (body, signature) => {
    const sentAt = Number(SENT_AT.exec(signature)?.[1]);
    // `Date.now`, as in the SDK's check of the past.
    if (!(sentAt <= Date.now() + TOLERANCE_MS)) return false;
    const verified = webhooks.verifyHeader({ payload: body, sigHeader: signature, secret, tolerance: TOLERANCE_MS });
    return verified.catch(() => false);
  };
}
