/** A server-sent event. */
export type Frame = { id: string | undefined; event: string; data: string };

const MAX_FRAME_CHARACTERS = 64 * 1024;
const LINE_END = /\r\n|\n/;

/**
 * Parses server-sent events from chunks of text. Skips comments.
 * @throws Error for an event of more than 64 Ki characters
 */
export function createFramesReader(onFrame: (frame: Frame) => void): (chunk: string) => void {
  let rest = '';
  let lines: string[] = [];
  return (chunk) => {
    const parts = (rest + chunk).split(LINE_END);
    rest = parts.pop() ?? '';
    for (const line of parts) {
      if (line !== '') lines.push(line);
      else {
        const frame = toFrame(lines);
        lines = [];
        if (frame) onFrame(frame);
      }
    }
    if (rest.length > MAX_FRAME_CHARACTERS || lines.length > MAX_FRAME_CHARACTERS)
      throw new Error('an event of the stream has more than 64 Ki characters');
  };
}

function toFrame(lines: readonly string[]): Frame | undefined {
  const valuesOf = (field: string) =>
    lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''));
  const [event] = valuesOf('event');
  return event === undefined ? undefined : { id: valuesOf('id').at(-1), event, data: valuesOf('data').join('\n') };
}
