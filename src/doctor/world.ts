import type { Product } from '../product/product.ts';
import type { Call } from './client.ts';
import type { Finding } from './finding.ts';
import type { Secrets } from './secrets.ts';

/** A token as Latchkey reads it. */
export type ReadToken = { kind: 'user' | 'machine'; organizationId: string | undefined; scopes: number };

/** Latchkey's own readers with the real configuration: what they accept, Latchkey accepts. */
export type Judge = {
  /** @throws the error that a caller would receive */
  verifyToken: (token: string) => Promise<ReadToken>;
  /** Reads the sealed session of a `Cookie` header. */
  readCookie: (header: string) => string | undefined;
  unseal: (sealed: string) => Promise<string | undefined>;
  /** Signs in with the SDK as an application does, and seals the session with the configured password. */
  sealedSignIn: (credentials: { email: string; password: string; organizationId: string }) => Promise<string>;
  verifyWebhook: (secret: string) => (body: Buffer, signature: string) => Promise<boolean>;
  /** Whether Latchkey recognises the value as an API key of WorkOS. */
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
  /** A separate API key, whose rate limit the last step uses up. */
  burstKey?: string | undefined;
  /** The `Cookie` header that a browser sends to an application with AuthKit. */
  cookie?: string | undefined;
  /** The domain of e-mail addresses of people that the doctor creates. */
  emailDomain?: string | undefined;
  /** Where WorkOS reaches the doctor's listener; not needed for a WorkOS on this machine. */
  webhook?: { url: string; port: number } | undefined;
  /** Asks a person to confirm a device, and resolves when they have. */
  confirmDevice?: ((ask: DeviceAsk) => Promise<void>) | undefined;
  /** Asks a person to sign in with a browser, and resolves with the code. */
  browserCode?: ((ask: Credentials) => Promise<{ code: string; verifier?: string }>) | undefined;
  /** How long to wait for events and webhooks. */
  waitMs: number;
  pauseMs: number;
};
export type Credentials = { email: string; password: string };
export type DeviceAsk = Credentials & { url: string; userCode: string; organizationId: string };

/** Results of steps that later ones use. */
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
  /** The same, not ended by the signal: for cleaning up. */
  after: Call;
  /** Random in every run; part of the name of everything that the run creates. */
  mark: string;
  note(text: string): void;
  differs(finding: Finding): void;
  /** Registers a deletion. They run in the opposite order at the end, however the run ends. */
  undo(what: string, action: () => Promise<void>): void;
};

export type Step = { number: number; title: string; run: (world: World) => Promise<void> };
