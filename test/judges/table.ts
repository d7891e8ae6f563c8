export type Row = {
  name: string;
  request: string;
  statuses: [number, number];
  differences: { difference: string; because: string | undefined }[];
};

const HEAD = `# The local WorkOS beside WorkOS's own emulator

<!-- Written by \`npm run docs:judges\`; CI fails when it differs. -->

The local WorkOS is held to two judges. Every answer that a test sees must fit WorkOS's specification (v0.61.0, in
\`test/emulator/workos-openapi.yaml\`). And the same requests are sent to WorkOS's own emulator, the npm package
\`workos\` VERSION: statuses and fields are compared, and each difference below is explained by the specification.
Where a request has no difference, it is only listed.
`;

export function writeTable(rows: readonly Row[], version: string): string {
  const differing = rows.filter(({ differences }) => differences.length > 0);
  const same = rows.filter(({ differences }) => differences.length === 0);
  const lines = differing.flatMap(({ name, request, differences }) =>
    differences.map(({ difference, because }, index) => {
      const first = index === 0 ? `${name}<br>\`${request}\`` : '';
      return `| ${first} | ${difference} | ${because ?? '**unexplained**'} |`;
    }),
  );
  return [
    HEAD.replace('VERSION', version),
    '## Differences',
    '',
    '| request | difference | why |',
    '| --- | --- | --- |',
    ...lines,
    '',
    '## The same',
    '',
    ...same.map(({ name, request, statuses }) => `- ${name}: \`${request}\`, ${statuses[0]}`),
    '',
  ].join('\n');
}
