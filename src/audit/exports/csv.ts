const QUOTE = '"';

/** Yields the rows of comma-separated values (RFC 4180), with line ends of either kind; quoted cells keep theirs. */
export async function* readCsv(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  const reader = makeReader();
  for await (const chunk of chunks) {
    for (const character of chunk) {
      const row = reader.read(character);
      if (row) yield row;
    }
  }
  const last = reader.end();
  if (last) yield last;
}

function makeReader() {
  let row: string[] = [];
  let cell = '';
  // `quote`: the last character was a quote in a quoted cell. A second quote is a literal one; anything else ends the cell.
  let state: 'plain' | 'quoted' | 'quote' = 'plain';

  function endRow(): string[] | undefined {
    const ended = [...row, cell];
    [row, cell, state] = [[], '', 'plain'];
    return ended.length === 1 && ended[0] === '' ? undefined : ended;
  }

  function readPlain(character: string): string[] | undefined {
    if (character === '\n') return endRow();
    if (character === '\r') return undefined;
    if (character === QUOTE && cell === '') state = 'quoted';
    else if (character === ',') [row, cell, state] = [[...row, cell], '', 'plain'];
    else cell += character;
    return undefined;
  }

  return {
    read(character: string): string[] | undefined {
      if (state === 'quoted') {
        if (character === QUOTE) state = 'quote';
        else cell += character;
        return undefined;
      }
      if (state === 'quote' && character === QUOTE) {
        cell += QUOTE;
        state = 'quoted';
        return undefined;
      }
      return readPlain(character);
    },
    end: endRow,
  };
}
