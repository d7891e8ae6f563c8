/** What names a job's repository or project, the most telling first. */
const PLACES = ['repository', 'project_path', 'pipeline_slug', 'oidc.circleci.com/vcs-origin'];
const WHERE = ['ref', 'build_branch', 'oidc.circleci.com/vcs-ref'];
const RUNS = ['run_id', 'pipeline_id', 'build_number'];

/** A job in a line, by what its token said. */
export function jobText(claims: Readonly<Record<string, string>>): string {
  const first = (names: readonly string[]) => names.map((name) => claims[name]).find((value) => value !== undefined);
  const place = first(PLACES) ?? Object.values(claims)[0];
  const run = first(RUNS);
  return [place, first(WHERE), claims['environment'], run === undefined ? undefined : `#${run}`]
    .filter((part) => part !== undefined && part !== '')
    .join(' · ');
}
