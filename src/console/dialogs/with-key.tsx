import type { ComponentChildren } from 'preact';
import type { ApiKey } from '../../client/client.ts';
import { useKey } from '../data/queries.ts';
import dialog from '../parts/controls/dialog.module.css';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { Loading } from '../parts/shown/loading.tsx';

/** Loads the key that a dialog is about. */
export function WithKey({ id, children }: { id: string; children: (apiKey: ApiKey) => ComponentChildren }) {
  const { data, error, refetch } = useKey(id);
  if (data) return <>{children(data)}</>;
  return (
    <div class={dialog.content}>
      {error ? <ErrorBox error={error} onRetry={() => void refetch()} /> : <Loading rows={2} />}
    </div>
  );
}
