import type { ApiKey } from '../../client/client.ts';
import { CiMark } from './ci-mark.tsx';
import { Badge } from '../parts/shown/badge.tsx';
import { usePageText } from '../words/page-text.ts';

/** Says that a key was found in public, and where it comes from if it was not created here. */
export function KeyMarks({ apiKey }: { apiKey: ApiKey }) {
  const { w } = usePageText();
  return (
    <>
      {isExposed(apiKey) && <Badge tone="bad">{w.leakedMark}</Badge>}
      {apiKey.origin === 'imported' && <Badge>{w.importedMark}</Badge>}
      {apiKey.origin === 'ci' && <CiMark policyId={apiKey.created_by.id} />}
    </>
  );
}

/** Whether a key that was found in public works, or can work again. */
export function isExposed({ leaked_at: at, status }: ApiKey): boolean {
  return at !== null && (status === 'active' || status === 'suspended');
}
