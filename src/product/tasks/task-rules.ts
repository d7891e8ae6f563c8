import { z } from 'zod';

export const TASK_HOLDERS = ['key', 'owner'] as const;

const DAY_SECONDS = 86_400;
const seconds = z.int().min(1).max(DAY_SECONDS);

/** The `tasks` section of the product's file. */
export const TaskRules = z
  .strictObject({
    max: z.int().min(1).max(1_000).describe('Most tasks at a time of one holder.'),
    per: z
      .enum(TASK_HOLDERS)
      .default('key')
      .describe(
        'Whose tasks are counted together: `key`: those of a key and of its rotations; `owner`: those of all keys of one person, and of all keys of the organization itself.',
      ),
    default_seconds: seconds.default(300).describe('How long a task lasts when the request does not say.'),
    longest_seconds: seconds.default(3_600).describe('Longest time until a task expires, unless it is renewed.'),
  })
  .describe('Named leases that outlive a request (docs/how-to/limit-tasks.md); none, if not given.');

export type TaskRules = z.output<typeof TaskRules>;

export function checkTaskRules(
  { default_seconds: first, longest_seconds: longest }: TaskRules,
  report: (path: (string | number)[], message: string) => void,
): void {
  if (first > longest) report(['default_seconds'], `${first} is longer than longest_seconds, ${longest}`);
}
