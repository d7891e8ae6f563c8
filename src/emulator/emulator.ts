import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { createApplySeed } from './apply-seed.ts';
import { assembleRoutes } from './assemble.ts';
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
import type { SigningKey, SigningOptions } from './tokens/signing-keys.ts';
import { loadSigningKey } from './tokens/signing-keys.ts';
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
  const { clock = systemClock, seed } = options;
  const { apiKey, clientId } = seed?.environment ?? DEMO;
  const ids = createIds(clock);
  const applySeed = createApplySeed({ store, ids, clock });
  const keys = await loadKeys(store, clock);
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
    close: async () => {
      closing.abort();
      await Promise.all([deliveries.stop(), closeServer(server)]);
      store.close();
    },
  };
}

async function loadKeys(store: Store, clock: Clock) {
  const [sessionKey, machineKey] = await Promise.all([
    loadSigningKey(store, 'session', clock),
    loadSigningKey(store, 'machine', clock),
  ]);
  const ofClients = new Map<string, Promise<SigningKey>>();
  const keyOfClient = (clientId: string): Promise<SigningKey> => {
    const key = ofClients.get(clientId) ?? loadSigningKey(store, `session of ${clientId}`, clock);
    ofClients.set(clientId, key);
    return key;
  };
  return { sessionKey, machineKey, keyOfClient };
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
