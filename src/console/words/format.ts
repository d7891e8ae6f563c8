const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS: readonly (readonly [number, Intl.RelativeTimeFormatUnit])[] = [
  [365 * DAY, 'year'],
  [30 * DAY, 'month'],
  [DAY, 'day'],
  [HOUR, 'hour'],
  [MINUTE, 'minute'],
];
const NOW = [Number.POSITIVE_INFINITY, 'second'] as const;
const UTC_DAY = { month: 'short', day: 'numeric', timeZone: 'UTC' } as const;
const UTC_HOUR = { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' } as const;
const EXACT = {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
} as const;

type Interval = 'hour' | 'day';
export type Format = ReturnType<typeof makeFormat>;

/** Creates the functions that write numbers and times in one language, in the browser's time zone. */
export function makeFormat(language: string) {
  const number = once(() => new Intl.NumberFormat(language));
  const compact = once(() => new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }));
  const list = once(() => new Intl.ListFormat(language, { type: 'unit' }));
  return {
    language,
    number: (value: number) => number().format(value),
    compact: (value: number) => compact().format(value),
    list: (items: readonly string[]) => list().format(items),
    ...timesIn(language),
    ...durationsIn(language),
  };
}

/** Makes a format when it is first needed: each takes milliseconds on a slow device. */
function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}

function timesIn(language: string) {
  const write = (options: Intl.DateTimeFormatOptions) => {
    const format = once(() => new Intl.DateTimeFormat(language, options));
    return (time: string | number) => format().format(new Date(time));
  };
  const utc = {
    day: write({ ...UTC_DAY, weekday: 'short', year: 'numeric' }),
    hour: write({ ...UTC_DAY, ...UTC_HOUR, timeZoneName: 'short' }),
  };
  const utcShort = { day: write(UTC_DAY), hour: write(UTC_HOUR) };
  return {
    date: write({ dateStyle: 'medium' }),
    dateTime: write({ dateStyle: 'medium', timeStyle: 'short' }),
    /** With seconds and the name of the zone. */
    exactly: write(EXACT),
    /** The hour or the day that begins at a time, in UTC. */
    utc: (start: string, interval: Interval) => utc[interval](start),
    utcShort: (start: string, interval: Interval) => utcShort[interval](start),
  };
}

function durationsIn(language: string) {
  const relative = once(() => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }));
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);
  return {
    /** The distance to now, as `3 minutes ago`. */
    relative(time: string | number, now = Date.now()) {
      const seconds = (new Date(time).getTime() - now) / 1_000;
      const [size, name] = STEPS.find(([step]) => Math.abs(seconds) >= step) ?? NOW;
      // What is past has been so long at least; what is to come is as near as can be said.
      return relative().format(seconds < 0 ? Math.trunc(seconds / size) : Math.round(seconds / size), name);
    },
    /** A length of time in its largest whole unit, as `24 hours`. */
    duration(seconds: number) {
      if (seconds >= DAY && seconds % DAY === 0) return unit(seconds / DAY, 'day');
      if (seconds >= HOUR && seconds % HOUR === 0) return unit(seconds / HOUR, 'hour');
      if (seconds >= MINUTE && seconds % MINUTE === 0) return unit(seconds / MINUTE, 'minute');
      return unit(seconds, 'second');
    },
    clock,
  };
}

const pad = (value: number) => String(value).padStart(2, '0');

/** A countdown as `1:05:09`. */
function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const [hours, minutes] = [Math.floor(whole / HOUR), Math.floor((whole % HOUR) / MINUTE)];
  const tail = `${hours > 0 ? pad(minutes) : minutes}:${pad(whole % MINUTE)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}
