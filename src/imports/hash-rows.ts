import type { ImportedForm } from '../api-keys/format/imported-form.ts';
import type { Mapping } from './mapping.ts';
import type { SourceRow } from './sources/source-row.ts';
import { makeRowFields } from './judge/read-fields.ts';

/** A row with the hash of its secret instead of the secret, or why there is none. */
export type HashedRow = { line: number } & ({ row: Record<string, unknown> } | { fault: string });

const SHOWN = 4;
const MIN_HIDDEN = 16;

/**
 * Replaces the secrets of rows by their hashes, so that no secret leaves the exporter's machine. Other fields stay, except
 * those that repeat the secret. The hash is where the mapping looks for it.
 * @param form of an import whose hash finds a key
 */
export function makeHashRow(form: ImportedForm, { prefix = '' }: { prefix?: string | undefined }, mapping: Mapping) {
  return (source: SourceRow): HashedRow => {
    const { line } = source;
    if ('fault' in source) return { line, fault: source.fault };
    const secret = makeRowFields(source.value, mapping.fields).value('secret');
    if (typeof secret !== 'string' || !form.fits(secret))
      return { line, fault: 'it has no secret of the form that the import has' };
    const kept = Object.entries(source.value).filter(([, value]) => !JSON.stringify(value).includes(secret));
    const start = secret.slice(0, Math.max(0, Math.min(prefix.length + SHOWN, secret.length - MIN_HIDDEN)));
    const hash = form.hashOf(secret)!.secretHash.toString('hex');
    const [[hashField = 'hash'] = [], [startField = 'start'] = []] = [mapping.fields.hash, mapping.fields.start];
    return { line, row: { ...Object.fromEntries(kept), [startField]: start, [hashField]: hash } };
  };
}
