import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

type Options = { level: string; pretty: boolean; destination?: DestinationStream };

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

/** Writes JSON lines to standard output, or readable lines to a terminal. */
export function makeLogger({ level, pretty, destination }: Options): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_FIELDS, censor: '[redacted]' },
  };
  // A transport refuses a formatter of levels.
  const named = { ...options, formatters: { level: (label: string) => ({ level: label }) } };
  if (destination) return pino(named, destination);
  if (!pretty) return pino(named);
  const transport = { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } };
  return pino({ ...options, transport });
}
