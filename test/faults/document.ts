import { markdownTable } from '../support/markdown-table.ts';
import { EXPECTED } from './expected.ts';
import { FAULTS, FAULT_NAMES } from './faults.ts';
import type { Operation } from './operations.ts';
import type { Outcome, Answered } from './scenario.ts';

const OPERATIONS: Record<Operation, { title: string; about: string }> = {
  create: {
    title: 'Create',
    about:
      'The request that creates the key at WorkOS fails. Latchkey never repeats it: WorkOS does not promise that two requests create one key. After recovery a retry creates exactly one key.',
  },
  rotate: {
    title: 'Rotate',
    about:
      'The request that creates the successor fails. An old key whose expiry WorkOS did not confirm has expired here at once, and the settler asks WorkOS for it again.',
  },
  revoke: {
    title: 'Revoke',
    about: 'The deletion at WorkOS fails. The key stops here before Latchkey asks WorkOS.',
  },
  validate: {
    title: 'Validate',
    about:
      'A caller presents a key that is not in the mirror, and Latchkey asks WorkOS about it. Keys of the mirror are verified without WorkOS.',
  },
  events: { title: 'Events', about: 'The poller reads the Events API. A failed step is counted and repeated.' },
  list: {
    title: 'List',
    about:
      "The settler searches WorkOS's list for the key of an unfinished row. One row that cannot be settled does not fail the step.",
  },
};

/** The matrix of faults as a page. */
export function faultsPage(): string {
  return `${INTRODUCTION}\n${Object.keys(OPERATIONS)
    .map((name) => section(name as Operation))
    .join('\n')}`;
}

const INTRODUCTION = `# When WorkOS fails

The answer to the caller, the state that is left behind, and its repair, for each failure of WorkOS in each operation.
\`npm run docs:faults\` writes this page from the expectations of the tests in \`test/faults/\`, which play every one of these
faults. The background loops make the repairs within seconds after WorkOS has recovered.
`;

function section(operation: Operation): string {
  const { title, about } = OPERATIONS[operation];
  const head = ['WorkOS answers with', 'answer', 'left behind', 'repaired by'];
  const rows = FAULT_NAMES.map((name) => [FAULTS[name].what, ...cells(EXPECTED[operation][name])]);
  return `## ${title}\n\n${about}\n\n${markdownTable([head, ...rows])}`;
}

function cells({ answered, left, repair }: Outcome): string[] {
  return [tell(answered), left, repair];
}

function tell(answered: Answered): string {
  if (typeof answered === 'string') return answered;
  const { status, code, retryAfter } = answered;
  const codeText = code === null ? '' : ` \`${code}\``;
  return `${status}${codeText}${retryAfter === null ? '' : `, \`Retry-After: ${retryAfter}\``}`;
}
