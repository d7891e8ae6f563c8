import { hostname } from 'node:os';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { VERSION } from '../config/version.ts';

type Options = {
  level: string;
  pretty: boolean;
  /** What the process does: of `api`, `worker` and `all`, or `command`. */
  role?: string;
  destination?: DestinationStream;
};

/** On every line. `instance` names the process among all that run. */
const baseOf = (role: string) => ({
  service: 'latchkey',
  version: VERSION,
  instance: `${hostname()}-${process.pid}`,
  role,
});

// No line has these on purpose. A value that slips in is redacted.
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-access-token',
  'idempotency-key',
  'value',
  'secret',
  'password',
  'token',
].flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.headers["${field}"]`]);

/** Writes JSON lines to standard output, or readable lines without the fields of the process to a terminal. */
export function makeLogger({ level, pretty, role = 'command', destination }: Options): Logger {
  const options = {
    level,
    base: baseOf(role),
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_FIELDS, censor: '[redacted]' },
  };
  // A transport refuses a formatter of levels.
  const named = { ...options, formatters: { level: (label: string) => ({ level: label }) } };
  if (destination) return pino(named, destination);
  if (!pretty) return pino(named);
  const transport = { target: 'pino-pretty', options: { singleLine: true, ignore: 'service,version,instance,role' } };
  return pino({ ...options, transport });
}

/**
 * Returns a logger that looks for no secrets, for lines whose few fields are named one by one. Looking through each value
 * took 30 of the 31 µs that a line of the access log cost.
 */
export function withoutRedaction(log: Logger): Logger {
  return log.child({}, { redact: [] });
}
