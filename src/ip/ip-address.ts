const DOT = 46;
const COLON = 58;
const ZERO = 48;

/** The 16-bit groups of the address that was read last; IPv4 is in the last two. Valid until the next read. */
export const groups = new Uint16Array(8);

/**
 * Reads an address into `groups`, without allocating: every verification does it. An IPv4-mapped address
 * (`::ffff:192.0.2.1`) counts as IPv4; a zone (`%eth0`) is ignored.
 *
 * A parser of our own, since `ipaddr.js` also takes `0x7f.0.0.1`, `017.0.0.1` and `2130706433`, and allocates; this one takes exactly
 * what Node's `isIP` takes, which a property test holds.
 * @returns the version; 0 for any other text
 */
export function readAddress(text: string): 0 | 4 | 6 {
  if (!text.includes(':')) return readDotted(text, 0, text.length, 6) ? 4 : 0;
  if (!readGroups(text)) return 0;
  return isMapped() ? 4 : 6;
}

function isMapped(): boolean {
  for (let i = 0; i < 5; i++) if (groups[i] !== 0) return false;
  return groups[5] === 0xffff;
}

function readGroups(text: string): boolean {
  const zone = text.indexOf('%');
  if (zone === text.length - 1) return false;
  const end = zone === -1 ? text.length : zone;
  let count = 0;
  let gap = text.startsWith('::') ? 0 : -1;
  let i = gap === 0 ? 2 : 0;
  while (i < end) {
    const from = i;
    let value = 0;
    for (let digit = hexAt(text, i); digit !== -1 && i < end; digit = hexAt(text, ++i)) value = value * 16 + digit;
    if (i < end && text.charCodeAt(i) === DOT) {
      if (count > 6 || !readDotted(text, from, end, count)) return false;
      count += 2;
      break;
    }
    if (count === 8 || i === from || i - from > 4) return false;
    groups[count++] = value;
    if (i === end) break;
    if (text.charCodeAt(i) !== COLON || ++i === end) return false;
    if (text.charCodeAt(i) !== COLON) continue;
    if (gap !== -1) return false;
    gap = count;
    i++;
  }
  if (gap === -1) return count === 8;
  return count < 8 && widen(gap, count);
}

/** Expands `::` at `gap`. */
function widen(gap: number, count: number): true {
  groups.copyWithin(8 - (count - gap), gap, count);
  groups.fill(0, gap, 8 - (count - gap));
  return true;
}

/** Reads dotted IPv4 into two groups. */
function readDotted(text: string, from: number, end: number, firstGroup: number): boolean {
  let i = from;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(i++) !== DOT) return false;
    const start = i;
    let value = 0;
    for (; i < end && i - start < 3; i++) {
      const digit = text.charCodeAt(i) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const isNumber = i > start && value <= 255 && (i - start === 1 || text.charCodeAt(start) !== ZERO);
    if (!isNumber) return false;
    const group = firstGroup + (part >> 1);
    groups[group] = part % 2 === 0 ? value << 8 : groups[group]! | value;
  }
  return i === end;
}

function hexAt(text: string, i: number): number {
  const code = text.charCodeAt(i);
  if (code >= ZERO && code <= 57) return code - ZERO;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
