/** Reports a fault of the product file, at a path below the operation or section that is compiled. */
export type Report = (path: readonly string[], message: string) => void;

/** Reports below a path. */
export function within(report: Report, ...prefix: string[]): Report {
  return (path, message) => report([...prefix, ...path], message);
}
