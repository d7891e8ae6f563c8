import { useEffect, useState } from 'preact/hooks';
import { useText } from '../../words/text.ts';

/** A time as its distance to now; exact, with the zone, where it is pointed at. */
export function Time({ at }: { at: string }) {
  const { f } = useText();
  return (
    <time dateTime={at} title={f.exactly(at)}>
      {f.relative(at)}
    </time>
  );
}

/** The time now, renewed every second while `isOn`. */
export function useNow(isOn = true): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isOn) return undefined;
    const timer = setTimeout(() => setNow(Date.now()), 1_000);
    return () => clearTimeout(timer);
  }, [isOn, now]);
  return now;
}
