/** Returns a URL on this machine that a browser may be redirected to; `undefined` for any other. */
export function readLoopbackUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return undefined;
  const isLoopback =
    url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
  return isLoopback ? url : undefined;
}
