/** In which charsets an answer may come: what it is called, and what its bytes are. */
export const CHARSETS = {
  'iso-8859-1': { named: 'iso-8859-1', encode: (text: string) => Buffer.from(text, 'latin1') },
  'utf-16': { named: 'utf-16', encode: (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16() },
  /** One that nobody knows. */
  unknown: { named: 'x-unknown', encode: (text: string) => Buffer.from(text, 'utf16le') },
  /** Called UTF-8, which its bytes are not. */
  mislabelled: { named: 'utf-8', encode: (text: string) => Buffer.from(text, 'latin1') },
} as const;

export type CharsetName = keyof typeof CHARSETS;
export const CHARSET_NAMES = Object.keys(CHARSETS) as [CharsetName, ...CharsetName[]];
