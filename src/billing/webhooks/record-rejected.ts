import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { ulid } from '../../ids.ts';
import { makeWindows } from '../../limits/windows.ts';
import { HOOK_SOURCES, UNREAD } from './webhook.ts';
import type { HookSource } from './webhook.ts';
import type { InboxRow } from './inbox.ts';

type Deps = { db: Knex; clock: Clock; log: Pick<Logger, 'warn'> };

/** Why a hook was refused, and the request that brought it. */
export type Refused = { source: HookSource; code: string; requestId: string };
export type KeepRefused = (refused: Refused) => void;

/** Of each source, in one process. Anybody can send what is refused: the log and the metrics have all of it. */
const KEPT = { limit: 10, windowSeconds: 60 };

/**
 * Writes into the inbox that a hook was refused, for a few a minute. Nothing that it says is believed or kept, and no
 * answer waits for it.
 */
export function makeKeepRefused({ db, clock, log }: Deps): KeepRefused {
  const windows = makeWindows({ max: HOOK_SOURCES.length });
  return (refused) => {
    const { source, requestId } = refused;
    const now = performance.now();
    const left = windows.look(source, KEPT, now);
    if (left.remaining === 0) return;
    windows.count(source, { ...KEPT, ...left }, 1, now);
    insert(db, refused, clock()).catch((error: unknown) => {
      log.warn({ err: error, source, request_id: requestId }, 'that a hook was refused could not be kept');
    });
  };
}

async function insert(db: Knex, { source, code, requestId }: Refused, now: Date): Promise<void> {
  await db<InboxRow>('hook_inbox').insert({
    id: `hook_${ulid(now)}`,
    source,
    // Its own id is only what somebody claims.
    event_id: requestId,
    type: UNREAD,
    received_at: now,
    outcome: 'refused',
    detail: code,
    attempts: 1,
    payload: { kind: 'refused' },
  });
}
