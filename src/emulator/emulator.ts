import type { KeyObject } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { createApplySeed } from './apply-seed.ts';
import { assembleRoutes } from './assemble.ts';
import { claimsOf, issuerOf } from './ci/ci-routes.ts';
import { makeEcKey } from './ci/ec-key.ts';
import type { CiName } from './ci/ci-routes.ts';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { RecordedAuditEvent } from './control/control-routes.ts';
import { controlRoutes, listAuditEvents } from './control/control-routes.ts';
import { DEMO } from './demo.ts';
import type { DeliverySettings } from './events/event-log.ts';
import { createEventLog, pruneEvents } from './events/event-log.ts';
import type { FaultControl } from './faults/faults.ts';
import { createFaults } from './faults/faults.ts';
import { createApp } from './http/app.ts';
import { sessionIssuer } from './profile/issuer.ts';
import type { Change, Profile } from './profile/profile.ts';
import { createProfile } from './profile/profile.ts';
import { profileRoutes } from './profile/profile-routes.ts';
import type { ProfileName } from './profile/profiles.ts';
import { sessionCookies, cookieHeader } from './profile/session-cookie.ts';
import type { JournalEntry } from './http/journal.ts';
import { createJournal } from './http/journal.ts';
import { createReplay } from './http/replay.ts';
import { listen, loopbackAddress } from './listen.ts';
import type { Seed } from './seed.ts';
import type { Store } from './state/store.ts';
import { openStore } from './state/store.ts';
import type { Purpose, SigningKey, SigningOptions } from './tokens/signing-keys.ts';
import { loadSigningKey, makePrivateKey } from './tokens/signing-keys.ts';
import { createIds } from './ulid.ts';
import { createDeliveries } from './webhooks/delivery.ts';

export type EmulatorOptions = {
  /** 0 for any free port. */
  port: number;
  /** Loopback only; default 127.0.0.1. */
  host?: string;
  /** Path of an SQLite file, which one emulator at a time may hold, or `:memory:`. */
  stateFile: string;
  /** What the state file lacks of it is inserted at each start. */
  seed?: Seed;
  clock?: Clock;
  /** Profile at the start; default `default`. */
  profile?: ProfileName;
  /** Gives each signing key that the state file lacks its private key; default `makePrivateKey`. */
  privateKey?: () => Promise<KeyObject>;
};

export type Emulator = {
  /** Base URL, without a slash at the end. */
  url: string;
  clientId: string;
  /** Secret of the environment. */
  apiKey: string;
  seed(seed: Seed): void;
  faults: FaultControl;
  /** Returns the last thousand requests, oldest first, without those to `/_emulator`. Status 0: not answered. */
  requests(): readonly Readonly<JournalEntry>[];
  /** Signs claims with the key of session tokens, without adding an issuer or expiry. */
  signSessionToken(claims: object, options?: SigningOptions): Promise<string>;
  /** Signs claims with the key of a further application of `client_ids`. */
  signClientToken(clientId: string, claims: object): Promise<string>;
  /** Signs claims with the key of machine tokens. */
  signMachineToken(claims: object, options?: SigningOptions): Promise<string>;
  /** Signs the token of a CI job, with the given claims instead of the usual ones. */
  signCiToken(name: CiName, claims: object, options?: SigningOptions): Promise<string>;
  /** Returns the issuer of a CI's tokens. */
  ciIssuer(name: CiName): string;
  /** Returns what was sent to `/audit_logs/events`, oldest first. */
  auditEvents(): RecordedAuditEvent[];
  /** Changes the profile, as `POST /_emulator/profile` does. */
  behave(change: Change): void;
  /** Returns the current issuer of session tokens. */
  sessionIssuer(): string;
  /** Returns the `Cookie` header with which a browser of an AuthKit application sends a sealed session. */
  sessionCookie(sealed: string): string;
  /** Delays webhooks and `/events`; also duplicates or reorders webhooks. */
  deliverEvents(settings: Partial<DeliverySettings>): void;
  /** Ends requests and deliveries in flight, and releases the state file. */
  close(): Promise<void>;
};

/** Starts a local WorkOS. Throws when the host is not loopback, the port is taken or another process holds the state file. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const host = loopbackAddress(options.host ?? '127.0.0.1');
  const store = openStore(options.stateFile);
  try {
    return await start({ ...options, host }, store);
  } catch (error) {
    store.close();
    throw error;
  }
}

async function start(options: EmulatorOptions & { host: string }, store: Store): Promise<Emulator> {
  const { clock = systemClock, seed, privateKey = makePrivateKey } = options;
  const { apiKey, clientId } = seed?.environment ?? DEMO;
  const ids = createIds(clock);
  const applySeed = createApplySeed({ store, ids, clock });
  const keys = await loadKeys({ store, clock, privateKey });
  if (seed) applySeed(seed);
  pruneEvents(store, clock);

  const profile = createProfile(options.profile ?? 'default');
  const { switches } = profile;
  const deliveries = createDeliveries(store, switches);
  const events = createEventLog({ store, ids, clock, switches, publish: deliveries.publish });
  const { settings } = events;
  const faults = createFaults();
  const journal = createJournal();
  const closing = new AbortController();
  let url = '';
  const routes = [
    ...assembleRoutes({ store, ids, clock, events, switches, ...keys, apiKey, clientId, url: () => url }),
    ...profileRoutes(profile),
    ...controlRoutes({ store, faults, journal, settings, applySeed, queuedWebhooks: deliveries.queued }),
  ];
  const server = createServer(
    createApp({ routes, apiKey, faults, journal, replay: createReplay(clock), switches, closing: closing.signal }),
  );
  url = await listen(server, options.host, options.port);

  return {
    url,
    clientId,
    apiKey,
    seed: applySeed,
    faults,
    requests: journal.entries,
    ...behaviour(profile, { url, clientId }),
    auditEvents: () => listAuditEvents(store, null),
    deliverEvents: (changes) => void Object.assign(settings, changes),
    signSessionToken: keys.sessionKey.sign,
    signClientToken: async (client, claims) => (await keys.keyOfClient(client)).sign(claims),
    signMachineToken: keys.machineKey.sign,
    signCiToken: async (name, claims, signing) =>
      (await keys.keyOfCi(name)).sign(claimsOf(name, { clock, url: () => url }, claims), signing),
    ciIssuer: (name) => issuerOf(name, url),
    close: async () => {
      closing.abort();
      await Promise.all([deliveries.stop(), closeServer(server)]);
      store.close();
    },
  };
}

async function loadKeys(deps: Parameters<typeof loadSigningKey>[0]) {
  const [sessionKey, machineKey] = await Promise.all([
    loadSigningKey(deps, 'session'),
    loadSigningKey(deps, 'machine'),
  ]);
  const others = new Map<Purpose, Promise<SigningKey>>();
  const keyOf = (purpose: Purpose): Promise<SigningKey> => {
    const key = others.get(purpose) ?? loadSigningKey(deps, purpose);
    others.set(purpose, key);
    return key;
  };
  let ecKey: Promise<SigningKey> | undefined;
  return {
    sessionKey,
    machineKey,
    keyOfClient: (clientId: string) => keyOf(`session of ${clientId}`),
    keyOfCi: (name: CiName) => (name === 'builds' ? (ecKey ??= makeEcKey()) : keyOf(`ci ${name}`)),
  };
}

function behaviour({ switches, change }: Profile, server: { url: string; clientId: string }) {
  return {
    behave: change,
    sessionIssuer: () => sessionIssuer(switches, server),
    sessionCookie: (sealed: string) => cookieHeader(sessionCookies(sealed, switches)),
  };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}
