import { useText } from '../words/text.ts';
import css from './spark.module.css';

const WIDTH = 84;
const HEIGHT = 24;
const GAP = 1.5;

type Props = { total: number; days: readonly { start: string; total: number }[] };

/** The requests of the last days, as small bars. */
export function Spark({ total, days }: Props) {
  const { w, f } = useText();
  const most = Math.max(1, ...days.map((day) => day.total));
  const step = WIDTH / days.length;
  const says = w.requestsInDays(w.requestCount(total, f.number(total)), days.length);
  return (
    <svg class={css.spark} width={WIDTH} height={HEIGHT} role="img" aria-label={says}>
      <title>{says}</title>
      {days.map((day, i) => {
        const height = day.total === 0 ? 1.5 : Math.max(2.5, (day.total / most) * HEIGHT);
        return (
          <rect
            key={day.start}
            class={day.total === 0 ? css.none : css.good}
            x={i * step}
            y={HEIGHT - height}
            width={step - GAP}
            height={height}
            rx="1"
          />
        );
      })}
    </svg>
  );
}
