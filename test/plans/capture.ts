import { Client } from 'pg';

export type Statement = { text: string; values: readonly unknown[]; from: string };

const RUNS = /^\s*(?:select|insert|update|delete|with)\b/i;
/** Different values may have different plans; more of one text are not kept. */
const MAX_SAMPLES = 3;

type Query = (this: Client, config: unknown, ...rest: unknown[]) => unknown;

/**
 * Keeps every statement that this process sends to PostgreSQL, by whichever pool or connection, with the values of some
 * of its runs; statements that need no plan are left out.
 */
export function captureStatements() {
  const samples = new Map<string, Statement[]>();
  const prototype = Client.prototype as unknown as { query: Query };
  const { query } = prototype;
  let from: string | undefined;
  prototype.query = function capturing(config, ...rest) {
    const given = config as string | { text?: string; values?: readonly unknown[] };
    const text = typeof given === 'string' ? given : given.text;
    if (from !== undefined && text !== undefined && RUNS.test(text)) {
      const values = typeof given === 'string' ? (Array.isArray(rest[0]) ? rest[0] : []) : (given.values ?? []);
      keep({ text, values, from });
    }
    return query.call(this, config, ...rest);
  };

  function keep(statement: Statement): void {
    const known = samples.get(statement.text) ?? [];
    // The first, and the latest, which is the fuller table's.
    if (known.length < MAX_SAMPLES) known.push(statement);
    else known[MAX_SAMPLES - 1] = statement;
    samples.set(statement.text, known);
  }

  return {
    /** Keeps what is sent while `work` runs. */
    async during(name: string, work: () => Promise<unknown>): Promise<void> {
      from = name;
      try {
        await work();
      } finally {
        from = undefined;
      }
    },
    statements: (): Statement[] => [...samples.values()].flat(),
    release(): void {
      prototype.query = query;
    },
  };
}
