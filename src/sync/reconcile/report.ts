import { DRIFT_KINDS } from './compare.ts';
import type { Finding } from './reconcile-organization.ts';
import type { Progress } from './reconcile.ts';

type Write = (text: string) => void;

export type Report = { finding(finding: Finding): void; end(progress: Progress): void };

const WIDTHS = { kind: 21, organization: 32, key: 36, mended: 8 };
// A name is what somebody typed at WorkOS: nothing in it may move a terminal's cursor.
const CONTROL = /\p{C}/gu;

/** A line for each difference as it is found, and a table of how many of each kind at the end. */
export function makeTable(write: Write): Report {
  let isFirst = true;
  const line = (kind: string, organization: string, key: string, mended: string, what: string) =>
    write(
      `${kind.padEnd(WIDTHS.kind)} ${organization.padEnd(WIDTHS.organization)} ${key.padEnd(WIDTHS.key)} ${mended.padEnd(WIDTHS.mended)} ${what.replaceAll(CONTROL, '?')}\n`,
    );
  return {
    finding({ kind, organizationId, keyId, mended, here, there }) {
      if (isFirst) line('kind', 'organization', 'key', 'mended', 'here → at WorkOS');
      isFirst = false;
      line(kind, organizationId, keyId, mended ? 'yes' : 'no', `${here} → ${there}`);
    },
    end({ organizations, keys, failures, found, mended }) {
      if (!isFirst) write('\n');
      for (const kind of DRIFT_KINDS) write(`${kind.padEnd(WIDTHS.kind)} ${found[kind]}\n`);
      const failed = failures > 0 ? `; ${failures} organizations could not be read and were left as they are` : '';
      write(`${keys} keys of ${organizations} organizations compared, ${mended} differences mended${failed}.\n`);
    },
  };
}

/** One JSON document, written as it becomes known. */
export function makeJson(write: Write): Report {
  let isFirst = true;
  write('{"drift":[');
  return {
    finding({ kind, organizationId, keyId, here, there, mended }) {
      const item = JSON.stringify({ kind, organization_id: organizationId, key_id: keyId, here, there, mended });
      write(`${isFirst ? '' : ','}\n${item}`);
      isFirst = false;
    },
    end({ organizations, keys, failures, found, mended }) {
      write(`${isFirst ? '' : '\n'}],"counts":${JSON.stringify(found)},`);
      write(`"mended":${mended},"organizations":${organizations},"keys":${keys},"failures":${failures}}\n`);
    },
  };
}

const PROGRESS_EVERY_MS = 2_000;

/** A line of progress every few seconds. */
export function makeProgressLine(write: Write): (progress: Progress) => void {
  let writtenAt = performance.now();
  return ({ organizations, keys, found }) => {
    if (performance.now() - writtenAt < PROGRESS_EVERY_MS) return;
    writtenAt = performance.now();
    const differences = Object.values(found).reduce((sum, count) => sum + count, 0);
    write(`reconcile: ${organizations} organizations, ${keys} keys compared, ${differences} differences\n`);
  };
}
