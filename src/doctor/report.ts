import type { Examination } from './doctor.ts';
import type { StepResult } from './finding.ts';

/** Writes the report as Markdown, to be attached to an issue. */
export function writeReport({ apiUrl, startedAt, steps, left, interrupted }: Examination, version: string): string {
  const head = [
    '# Latchkey doctor: WorkOS',
    '',
    `Latchkey ${version}, ${apiUrl}, ${startedAt.toISOString()}.${interrupted ? ' The examination was interrupted.' : ''}`,
    '',
    '| step | | result |',
    '| --- | --- | --- |',
    ...steps.map(({ number, title, status, findings }) => {
      const names = findings.map(({ name, breaks }) => `\`${name}\`${breaks ? '' : ' (Latchkey copes)'}`);
      return `| ${number} | ${title} | ${[status, ...names].join(' ')} |`;
    }),
    '',
  ];
  const remains =
    left.length === 0 ? ['Everything that the doctor created is deleted.'] : ['Left behind:', ...bullets(left)];
  return [...head, ...steps.flatMap((step) => describeStep(step)), '## Cleaning up', '', ...remains, ''].join('\n');
}

const bullets = (lines: readonly string[]): string[] => lines.map((line) => `- ${line}`);

function describeStep({ number, title, status, notes, findings }: StepResult): string[] {
  const lines = findings.flatMap(({ name, breaks, assumes, seen, todo }) => [
    `- \`${name}\`${breaks ? '' : ' (Latchkey copes)'}`,
    `  - Latchkey assumes ${assumes}.`,
    `  - Seen: ${seen}.`,
    `  - To do: ${todo}`,
  ]);
  return [`## ${number} ${title}: ${status}`, '', ...bullets(notes), ...lines, ''];
}

/** Writes a step for a terminal. */
export function summarize({ number, title, status, notes, findings }: StepResult): string {
  const reason = status === 'skipped' ? `: ${notes.join(' ')}` : '';
  const names = findings.map(({ name, breaks }) => `\n     ${breaks ? '!' : '~'} ${name}`).join('');
  return `${String(number).padStart(2)} ${status.padEnd(7)} ${title}${reason}${names}`;
}
