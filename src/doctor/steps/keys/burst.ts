import { Skip } from '../../finding.ts';
import type { World } from '../../world.ts';

/** More than the 6,000 requests a minute that WorkOS documents. */
const MOST = 6_500;
const AT_ONCE = 20;
const TOO_MANY = 429;
const RATE_HEADERS = /^(?:retry-after|x-ratelimit-|ratelimit)/i;

/** Sends validations until WorkOS answers 429, with a separate API key, so that the service keeps its own rate. */
export async function burst(world: World): Promise<void> {
  const { burstKey } = world.options;
  if (burstKey === undefined)
    throw new Skip('Runs only with --burst, and a separate API key in LATCHKEY_DOCTOR_BURST_KEY.');
  const started = Date.now();
  let sent = 0;
  let limited: Headers | undefined;
  const headers = { authorization: `Bearer ${burstKey}` };
  const one = async (): Promise<void> => {
    while (sent < MOST && !limited && !world.signal.aborted) {
      sent += 1;
      const body = { value: `sk_latchkeydoctor${world.mark}` };
      const answer = await world.call('POST', '/api_keys/validations', { body, headers, returns429: true });
      if (answer.status === TOO_MANY) limited = answer.headers;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, () => one()));
  const seconds = ((Date.now() - started) / 1_000).toFixed(1);
  if (!limited) return world.note(`${sent} validations in ${seconds} s, and no 429.`);
  const names = [...limited.keys()].filter((name) => RATE_HEADERS.test(name));
  world.note(`429 after ${sent} validations in ${seconds} s; headers: ${names.join(', ') || 'none'}.`);
  const hasRetryAfter = limited.has('retry-after');
  world.differs({
    name: hasRetryAfter ? 'rate-limit' : 'rate-limit-silent',
    breaks: false,
    assumes: '6,000 requests a minute, with or without Retry-After',
    seen: `429 after ${sent} in ${seconds} s, ${hasRetryAfter ? 'with' : 'without'} Retry-After`,
    todo: 'Nothing: all replicas hold off. Keep the sum of their rates below it: docs/explanation/workos.md.',
  });
}
