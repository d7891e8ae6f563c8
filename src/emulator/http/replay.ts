import type { Clock } from '../clock.ts';
import type { Reply } from './route.ts';

const REPLAY_MS = 24 * 60 * 60 * 1000;
const MAX_REPLIES = 10_000;

export type Replay = { once(key: string, work: () => Promise<Reply>): Promise<Reply> };

/**
 * Answers a repeated Idempotency-Key with the first answer, also while the first request is running. Answers stay in memory,
 * because they hold customers' secrets, which the state file must not. Failures are not stored, so that a corrected request
 * may use its key again.
 */
export function createReplay(clock: Clock): Replay {
  const replies = new Map<string, { until: number; reply: Promise<Reply> }>();
  return {
    async once(key, work) {
      const known = replies.get(key);
      if (known && known.until > clock().getTime()) return known.reply;
      const reply = work();
      replies.set(key, { until: clock().getTime() + REPLAY_MS, reply });
      if (replies.size > MAX_REPLIES) replies.delete(replies.keys().next().value!);
      try {
        return await reply;
      } catch (error) {
        replies.delete(key);
        throw error;
      }
    },
  };
}
