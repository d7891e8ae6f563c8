/** JSON with everything beyond ASCII escaped. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** JSON in UTF-8, as Express writes it, with one character a byte. */
export function utf8Json(value: unknown): string {
  const json = JSON.stringify(value);
  return BEYOND_ASCII.test(json) ? Buffer.from(json).toString('latin1') : json;
}

const BEYOND_ASCII = /[\u0080-\uffff]/;
