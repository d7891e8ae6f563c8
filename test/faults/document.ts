import { markdownTable } from '../support/markdown-table.ts';
import { EXPECTED } from './expected.ts';
import { FAULTS, FAULT_NAMES } from './faults.ts';
import type { Operation } from './operations.ts';
import type { Outcome, Told } from './scenario.ts';

const OPERATIONS: Record<Operation, { title: string; about: string }> = {
  create: {
    title: 'Create',
    about:
      'The request that makes the key at WorkOS fails. It is never repeated: WorkOS does not promise that two requests make one key. After the repair a retry makes exactly one key.',
  },
  rotate: {
    title: 'Rotate',
    about:
      'The request that makes the successor fails. An old key whose expiry WorkOS did not confirm has expired here at once, and the settler sets it at WorkOS again.',
  },
  revoke: {
    title: 'Revoke',
    about: 'The deletion at WorkOS fails. The key has stopped here before WorkOS is asked.',
  },
  validate: {
    title: 'Validate',
    about:
      'A key that the mirror does not know is presented, and WorkOS is asked about it. Keys of the mirror are verified without WorkOS.',
  },
  events: { title: 'Events', about: 'The poller reads the Events API. A failed step is counted, and comes again.' },
  list: {
    title: 'List',
    about:
      "The settler looks for the key of a row that never became one in WorkOS's list. One row that cannot be settled does not fail the step.",
  },
};

/** The matrix of faults as a page. */
export function faultsPage(): string {
  return `${INTRODUCTION}\n${Object.keys(OPERATIONS)
    .map((name) => section(name as Operation))
    .join('\n')}`;
}

const INTRODUCTION = `# When WorkOS fails

What the client gets, what is left behind, and what repairs it, for each way in which WorkOS can fail and each operation that
needs WorkOS. \`npm run docs:faults\` writes this page from the expectations of the tests in \`test/faults/\`, which play every
one of these faults. Background loops repair what is left behind, within seconds of WorkOS being well again.
`;

function section(operation: Operation): string {
  const { title, about } = OPERATIONS[operation];
  const head = ['WorkOS answers with', 'answer', 'left behind', 'repaired by'];
  const rows = FAULT_NAMES.map((name) => [FAULTS[name].what, ...cells(EXPECTED[operation][name])]);
  return `## ${title}\n\n${about}\n\n${markdownTable([head, ...rows])}`;
}

function cells({ told, left, heals }: Outcome): string[] {
  return [tell(told), left, heals];
}

function tell(told: Told): string {
  if (typeof told === 'string') return told;
  const { status, code, retryAfter } = told;
  const codeText = code === null ? '' : ` \`${code}\``;
  return `${status}${codeText}${retryAfter === null ? '' : `, \`Retry-After: ${retryAfter}\``}`;
}
