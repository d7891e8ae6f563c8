/** Charsets of an answer: the name in its content type, and the encoding of its bytes. */
export const CHARSETS = {
  'iso-8859-1': { named: 'iso-8859-1', encode: (text: string) => Buffer.from(text, 'latin1') },
  'utf-16': { named: 'utf-16', encode: (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16() },
  /** An unknown name. */
  unknown: { named: 'x-unknown', encode: (text: string) => Buffer.from(text, 'utf16le') },
  /** Named UTF-8, with bytes that are not UTF-8. */
  mislabelled: { named: 'utf-8', encode: (text: string) => Buffer.from(text, 'latin1') },
} as const;

export type CharsetName = keyof typeof CHARSETS;
export const CHARSET_NAMES = Object.keys(CHARSETS) as [CharsetName, ...CharsetName[]];
