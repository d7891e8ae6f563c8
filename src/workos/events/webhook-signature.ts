import { WorkOS } from '@workos-inc/node';

/** The figure of WorkOS's own SDK: what was recorded on the way is worth nothing after it. */
const TOLERANCE_MS = 3 * 60_000;
const SENT_AT = /^t=(\d{10,16}),/;

export type VerifyWebhook = (body: Buffer, signature: string) => Promise<boolean>;

/** Whether WorkOS signed a body, lately: the official SDK's check, which leaves times in the future to us. */
export function makeVerifyWebhook(secret: string, options: { apiKey: string; clientId: string }): VerifyWebhook {
  const { webhooks } = new WorkOS(options);
  return async (body, signature) => {
    const sentAt = Number(SENT_AT.exec(signature)?.[1]);
    // The machine's time, as in the SDK's check of the other side.
    if (!(sentAt <= Date.now() + TOLERANCE_MS)) return false;
    const verified = webhooks.verifyHeader({ payload: body, sigHeader: signature, secret, tolerance: TOLERANCE_MS });
    return verified.catch(() => false);
  };
}
