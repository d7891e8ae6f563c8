/** Seals a text under a client's secret and the service's, bound to a record. */
export type Sealing = {
  seal: (content: unknown, clientSecret: string, recordId: Buffer) => Buffer;
  /** @throws Error for a seal under another secret, or of another record */
  unseal: (sealed: Buffer, clientSecret: string, recordId: Buffer) => unknown;
};

export type RefreshSeal = ReturnType<typeof makeRefreshSeal>;

/**
 * Seals refresh tokens, so that it takes the session's own token, LATCHKEY_SECRET and the row to open one.
 * @param sealings of the current secret and of previous ones, in this order
 */
export function makeRefreshSeal(sealings: readonly [Sealing, ...Sealing[]]) {
  return {
    close: (refreshToken: string, token: string, sessionId: string): Buffer =>
      sealings[0].seal(refreshToken, token, Buffer.from(sessionId)),

    /** @returns undefined when no secret opens it */
    open(sealed: Buffer, token: string, sessionId: string): string | undefined {
      for (const { unseal } of sealings) {
        try {
          return String(unseal(sealed, token, Buffer.from(sessionId)));
        } catch {
          // Another secret may open it.
        }
      }
      return undefined;
    },
  };
}
