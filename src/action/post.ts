import { getState, info, warning } from '@actions/core';
import { createLatchkeyClient } from '../client/client.ts';
import { STATE, failureText } from './job.ts';

// The end of the job: ends the key. A job that failed to is not failed by it, because the key expires.
const state = getState(STATE);
if (state !== '') await end(JSON.parse(state) as { url: string; revokeToken: string });

async function end({ url, revokeToken }: { url: string; revokeToken: string }): Promise<void> {
  try {
    const client = createLatchkeyClient({ baseUrl: url, token: null, timeoutMs: 10_000 });
    await client.ci.revoke(revokeToken);
    info('The key of this job has ended.');
  } catch (error) {
    warning(`The key of this job lives until it expires: ${failureText(error)}`);
  }
}
