import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { ulid } from '../../ids.ts';
import { makeWindows } from '../../limits/windows.ts';
import { UNREAD } from './webhook.ts';
import type { InboxRow } from './inbox.ts';

type Deps = { db: Knex; sources: number; clock: Clock; log: Pick<Logger, 'warn'> };

/** Why a webhook was rejected, and the request that brought it. */
export type Rejected = { source: string; code: string; requestId: string };
export type RecordRejected = (rejected: Rejected) => void;

/** Per source and process. Anyone can send webhooks that are rejected; logs and metrics have them all. */
const RECORDED = { limit: 10, windowSeconds: 60 };

/**
 * Records in the inbox that a webhook was rejected, up to ten a minute for each source. Its contents are not recorded, and
 * no answer waits for the insert.
 */
export function makeRecordRejected({ db, sources, clock, log }: Deps): RecordRejected {
  const windows = makeWindows({ max: sources });
  return (rejected) => {
    const { source, requestId } = rejected;
    const now = performance.now();
    const left = windows.look(source, RECORDED, now);
    if (left.remaining === 0) return;
    windows.count(source, { ...RECORDED, ...left }, 1, now);
    insert(db, rejected, clock()).catch((error: unknown) => {
      log.warn({ err: error, source, request_id: requestId }, 'failed to record rejected webhook');
    });
  };
}

async function insert(db: Knex, { source, code, requestId }: Rejected, now: Date): Promise<void> {
  await db<InboxRow>('hook_inbox').insert({
    id: `hook_${ulid(now)}`,
    source,
    // The webhook's own id is not proven.
    event_id: requestId,
    type: UNREAD,
    received_at: now,
    outcome: 'refused',
    detail: code,
    attempts: 1,
    payload: { kind: 'refused' },
  });
}
