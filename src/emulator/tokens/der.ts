/** The ASN.1 DER types that a certificate needs (ITU-T X.690). */
const encode = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const digits = length.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...items: Uint8Array[]): Buffer => encode(0x30, Buffer.concat(items));
export const set = (...items: Uint8Array[]): Buffer => encode(0x31, Buffer.concat(items));
export const utf8 = (text: string): Buffer => encode(0x0c, Buffer.from(text, 'utf8'));
export const nothing = (): Buffer => encode(0x05, Buffer.alloc(0));
/** Explicitly tagged, context-specific. */
export const tagged = (number: number, content: Uint8Array): Buffer => encode(0xa0 | number, content);
/** A bit string without unused bits. */
export const bits = (content: Uint8Array): Buffer => encode(0x03, Buffer.concat([Buffer.from([0]), content]));

/** Big-endian. A leading zero keeps a value positive whose top bit is set. */
export const positiveInteger = (bytes: Uint8Array): Buffer =>
  encode(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);

/** GeneralizedTime, which also has years after 2049. */
export const time = (date: Date): Buffer =>
  encode(0x18, Buffer.from(`${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`));

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return encode(0x06, Buffer.from([first * 40 + second, ...rest.flatMap((arc) => base128(arc))]));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
