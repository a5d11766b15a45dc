/** Where the socket of an API is (dossier A). */

/** `http://host/v1` as `ws://host/v1/responses`; the query stays. Throws a `TypeError` for anything but http and https. */
export function toSocketUrl(baseUrl: string): URL {
  const url = new URL(baseUrl);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`The base URL must start with http:// or https://, but starts with ${url.protocol}//.`);
  }
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/responses`;
  url.hash = '';
  return url;
}
