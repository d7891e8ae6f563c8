import type { Product } from '../product/product.ts';
import type { Call } from './client.ts';
import type { Finding } from './finding.ts';
import type { Secrets } from './secrets.ts';

/** Who a token is for, as Latchkey reads it. */
export type ReadToken = { kind: 'user' | 'machine'; organizationId: string | undefined; scopes: number };

/** Latchkey's own readers with the real configuration: what they take, Latchkey takes. */
export type Judge = {
  /** @throws the error that a caller would get */
  verifyToken: (token: string) => Promise<ReadToken>;
  /** The session in a `Cookie` header. */
  readCookie: (header: string) => string | undefined;
  unseal: (sealed: string) => Promise<string | undefined>;
  /** Signs in with the SDK as an application does, and seals the session with the configured password. */
  sealedSignIn: (credentials: { email: string; password: string; organizationId: string }) => Promise<string>;
  verifyWebhook: (secret: string) => (body: Buffer, signature: string) => Promise<boolean>;
  /** Whether a value that WorkOS gave is recognised as an API key when it is presented. */
  recognises: (value: string) => boolean;
};

export type Target = {
  apiUrl: string;
  apiKey: string;
  clientIds: readonly string[];
  authkitUrl: string | undefined;
  cookieName: string | undefined;
};

export type DoctorOptions = {
  /** An environment secret of its own, whose rate limit the last step uses up. */
  burstKey?: string | undefined;
  /** The `Cookie` header that a browser sends to an application with AuthKit. */
  cookie?: string | undefined;
  /** A domain under which people may be made. */
  emailDomain?: string | undefined;
  /** Where WorkOS reaches the doctor's own listener; for a WorkOS on this machine it is found. */
  webhook?: { url: string; port: number } | undefined;
  /** Lets a person confirm a device. Rejects, or resolves once it is done. */
  confirmDevice?: ((ask: DeviceAsk) => Promise<void>) | undefined;
  /** Signs a person in with a browser and resolves with the code. */
  browserCode?: ((ask: Credentials) => Promise<{ code: string; verifier?: string }>) | undefined;
  /** How long to wait for what comes later, such as events. */
  patienceMs: number;
  pauseMs: number;
};
export type Credentials = { email: string; password: string };
export type DeviceAsk = Credentials & { url: string; userCode: string; organizationId: string };

/** What a step made that later ones use. */
export type Facts = {
  startedAt: Date;
  organization?: { id: string; externalId: string };
  second?: { id: string };
  person?: Credentials & { id: string; membershipId: string };
  session?: { accessToken: string; refreshToken: string };
};

export type World = {
  target: Target;
  product: Product;
  judge: Judge;
  options: DoctorOptions;
  secrets: Secrets;
  facts: Facts;
  signal: AbortSignal;
  call: Call;
  /** The same, but not ended by the signal: for what must be undone. */
  after: Call;
  /** Random, and different in every run: what is made carries it. */
  mark: string;
  note(text: string): void;
  differs(finding: Finding): void;
  /** Undone in the opposite order when all is over, however it ended. */
  undo(what: string, action: () => Promise<void>): void;
};

export type Step = { number: number; title: string; run: (world: World) => Promise<void> };
