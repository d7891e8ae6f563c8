const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;
const UTF_8 = /^utf-?8$/i;

/**
 * Returns the answer with its text in UTF-8, whatever charset it names: `fetch` itself takes every text for UTF-8. Bytes
 * that the charset does not have become U+FFFD, which no id, scope or secret may hold. In an unknown charset the answer
 * has no text, so that its status still counts.
 */
export async function decodeAnswer(response: Response): Promise<Response> {
  const charset = CHARSET.exec(response.headers.get('content-type') ?? '')?.[1];
  if (charset === undefined || UTF_8.test(charset)) return response;
  const text = decode(Buffer.from(await response.arrayBuffer()), charset);
  const { status, statusText, headers } = response;
  return new Response(text === '' ? null : text, { status, statusText, headers });
}

function decode(bytes: Buffer, charset: string): string {
  // UTF-16 begins with a byte order mark, which counts more than the header.
  const marked = bytes.subarray(0, 2).toString('hex') === 'feff' ? 'utf-16be' : charset;
  try {
    return new TextDecoder(marked).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError) return '';
    throw error;
  }
}
