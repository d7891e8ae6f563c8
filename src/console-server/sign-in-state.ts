import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Response } from 'express';
import { z } from 'zod';
import type { WorkosGateway } from '../workos/gateway.ts';
import { returnTo } from './return-to.ts';

type Deps = { workos: Pick<WorkosGateway, 'seal' | 'unseal'> };

const State = z.object({
  state: z.string(),
  codeVerifier: z.string(),
  returnTo: z.string(),
  organizationId: z.string().optional(),
});
export type SignInState = z.output<typeof State>;

const PREFIX = 'latchkey_sign_in_';
const PATH = '/console';
const TTL_MS = 10 * 60_000;
const RANDOM_BYTES = 32;
const NAME_LENGTH = 12;

export type SignInStates = ReturnType<typeof makeSignInStates>;

/** Keeps what a sign-in needs when AuthKit sends the person back, in a cookie of its own for each sign-in. */
export function makeSignInStates({ workos }: Deps) {
  return {
    /** Begins a sign-in, and sets its cookie. */
    async begin(
      res: Response,
      given: { returnTo: unknown; organizationId: string | undefined; isSecure: boolean },
    ): Promise<SignInState & { codeChallenge: string }> {
      const state = random();
      const codeVerifier = random();
      const { organizationId } = given;
      const kept = { state, codeVerifier, returnTo: returnTo(given.returnTo), organizationId };
      res.cookie(nameOf(state), await workos.seal(kept, TTL_MS), {
        httpOnly: true,
        sameSite: 'lax',
        secure: given.isSecure,
        path: PATH,
        maxAge: TTL_MS,
      });
      return { ...kept, codeChallenge: createHash('sha256').update(codeVerifier).digest('base64url') };
    },

    /** Ends the sign-in of a state, and returns it; undefined for one that this browser did not begin lately. */
    async end(cookies: string | undefined, res: Response, state: unknown): Promise<SignInState | undefined> {
      if (typeof state !== 'string') return undefined;
      const sealed = valueOf(cookies, nameOf(state));
      if (sealed === undefined) return undefined;
      res.clearCookie(nameOf(state), { path: PATH });
      const kept = State.safeParse(await workos.unseal(sealed)).data;
      return kept && isSame(kept.state, state) ? kept : undefined;
    },
  };
}

function random(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url');
}

/** Sign-ins in several tabs do not overwrite each other's cookie. */
function nameOf(state: string): string {
  return PREFIX + createHash('sha256').update(state).digest('hex').slice(0, NAME_LENGTH);
}

function valueOf(header: string | undefined, name: string): string | undefined {
  const pair = header?.split(';').find((each) => each.trim().startsWith(`${name}=`));
  return pair === undefined ? undefined : decodeURIComponent(pair.trim().slice(name.length + 1));
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}
