import { useMutation, useQuery, useQueryClient } from '@tanstack/preact-query';
import type { AuditEvent, CiPolicy } from '../../client/client.ts';
import type { ConsoleSession } from '../session/session.ts';
import { useHeldPage } from '../session/session-control.ts';
import { useConsoleSession } from '../session/session.ts';

/** The most that an organization can have is one page. */
const ALL = 100;
const SHOWN_EXCHANGES = 10;
const EXCHANGES = ['ci.exchanged', 'ci.refused', 'ci.replayed', 'ci.revoked'];
const POLICIES = 'ci-policies';

/** The policies of the organization, newest first. */
export function usePolicies() {
  const { client } = useConsoleSession();
  return useQuery({
    queryKey: [POLICIES],
    queryFn: async ({ signal }) => (await client.ci.policies.list({ limit: ALL }, { signal })).data,
  });
}

/** The newest exchanges and refusals under a policy. */
export function useExchanges({ id }: CiPolicy) {
  const { client } = useConsoleSession();
  return useQuery<AuditEvent[]>({
    queryKey: ['audit', 'exchanges', id],
    queryFn: async ({ signal }) =>
      (await client.audit.list({ action: EXCHANGES, target_id: id, limit: SHOWN_EXCHANGES }, { signal })).data,
  });
}

type Client = ConsoleSession['client'];

/** Changes a policy. What shows policies, keys and events is read again after `onDone`. */
export function usePolicyChange<Sent, Got>(
  send: (client: Client, sent: Sent) => Promise<Got>,
  onDone: (got: Got) => void,
) {
  const { client } = useConsoleSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (sent: Sent) => send(client, sent),
    onSuccess(got) {
      // Its form may be gone with the policy, once the list is read.
      onDone(got);
      for (const name of [POLICIES, 'keys', 'key', 'organization', 'audit'])
        void queries.invalidateQueries({ queryKey: [name] });
    },
  });
}

/** The same in a form, whose content must not be lost. */
export const usePolicyForm: typeof usePolicyChange = (send, onDone) => {
  useHeldPage();
  return usePolicyChange(send, onDone);
};
