import { z } from 'zod';
import { CHARSET_NAMES } from './charsets.ts';

const Target = {
  method: z
    .string()
    .max(16)
    .transform((method) => method.toUpperCase())
    .optional(),
  /** Matches a whole path if it has `:parameters`, else a prefix; without it every path matches. */
  path: z.string().startsWith('/').max(512).optional(),
  /** Number of requests that it applies to; 0: until it is cleared. */
  times: z.number().int().min(0).default(1),
  /** Number of matching requests that pass first. */
  after: z.number().int().min(0).default(0),
};

/**
 * Before the work: `latency` (then a normal answer), `status`, `html`, `reset_before`, `hang`.
 * After the work was done: `malformed_json`, `empty_body`, `wrong_content_type`, `charset`, `reset_after`, `lost_answer`.
 */
export const Fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('latency'), ms: z.number().int().min(0).max(600_000), ...Target }),
  z.strictObject({
    kind: z.literal('status'),
    status: z.number().int().min(200).max(599),
    body: z.record(z.string(), z.unknown()).optional(),
    headers: z.record(z.string(), z.string()).default({}),
    ...Target,
  }),
  z.strictObject({ kind: z.literal('charset'), charset: z.enum(CHARSET_NAMES), ...Target }),
  z.strictObject({
    kind: z.enum([
      'html',
      'reset_before',
      'hang',
      'malformed_json',
      'empty_body',
      'wrong_content_type',
      'reset_after',
      'lost_answer',
    ]),
    ...Target,
  }),
]);
export type Fault = z.output<typeof Fault>;
export type FaultInput = z.input<typeof Fault>;

/** `seen` counts matching requests, `met` those that the fault was applied to. */
export type ActiveFault = { fault: Fault; seen: number; met: number };

export type FaultControl = {
  add(fault: FaultInput): void;
  clear(): void;
  list(): readonly ActiveFault[];
};

export type Faults = FaultControl & {
  /** Counts the request against the first fault that matches it, and returns that fault if it applies. */
  take(method: string, path: string): Fault | undefined;
};

export function createFaults(): Faults {
  let active: ActiveFault[] = [];
  return {
    add: (fault) => {
      active.push({ fault: Fault.parse(fault), seen: 0, met: 0 });
    },
    clear: () => {
      active = [];
    },
    list: () => active,
    take(method, path) {
      const entry = active.find((candidate) => isOpen(candidate) && matches(candidate.fault, method, path));
      if (!entry) return undefined;
      entry.seen += 1;
      if (entry.seen <= entry.fault.after) return undefined;
      entry.met += 1;
      return entry.fault;
    },
  };
}

const isOpen = ({ fault, met }: ActiveFault): boolean => fault.times === 0 || met < fault.times;

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  if (fault.path === undefined || path === fault.path) return true;
  if (!fault.path.includes('/:')) return path.startsWith(fault.path.endsWith('/') ? fault.path : `${fault.path}/`);
  const wanted = fault.path.split('/');
  const actual = path.split('/');
  return (
    wanted.length === actual.length &&
    wanted.every((segment, index) => segment.startsWith(':') || segment === actual[index])
  );
}
