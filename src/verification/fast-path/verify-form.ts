import type { z } from 'zod';
import { AskedKey, MAX_KEY_LENGTH } from '../question.ts';
import type { Decision } from '../decide.ts';
import { VERIFY_PATH } from '../verify-routes.ts';
import { preparedVerdict } from './prepared-verdict.ts';

type Asked = z.output<typeof AskedKey>;

/** Where verification is asked, how its body is read, and how its answer is written. */
export type VerifyForm = {
  path: string;
  method: string;
  status: number;
  /** Returns undefined for a body that the route reads. */
  read: (sent: unknown) => Asked | undefined;
  /** Returns the answer as ASCII JSON. */
  write: (decision: Decision) => string;
};

/** Latchkey's own form. */
export const OWN_VERIFY_FORM: VerifyForm = {
  path: VERIFY_PATH,
  method: 'POST',
  status: 200,
  read: makeRead('key', (sent) => AskedKey.safeParse(sent).data),
  write: preparedVerdict,
};

/**
 * Makes what reads a body. Most bodies hold a key and nothing else, which needs no schema.
 * @param keyName the member that holds the key
 * @param parse reads any body; undefined for one that is not of a single key
 */
export function makeRead(keyName: string, parse: (sent: unknown) => Asked | undefined): VerifyForm['read'] {
  const usual = parse({ [keyName]: '-' });
  return (sent) => {
    const key = usual && keyAlone(sent, keyName);
    return key === undefined ? parse(sent) : { ...usual!, key };
  };
}

function keyAlone(sent: unknown, keyName: string): string | undefined {
  if (typeof sent !== 'object' || sent === null) return undefined;
  let fields = 0;
  for (const name in sent) if (name !== keyName || ++fields > 1) return undefined;
  const key = (sent as Record<string, unknown>)[keyName];
  return typeof key === 'string' && key.length > 0 && key.length <= MAX_KEY_LENGTH ? key : undefined;
}
