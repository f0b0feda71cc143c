// The peer id under which the tracker and other viewers know this one: random at every page view,
// so that nobody can follow a person by it. Swarms and turns at the CDN are built on it.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** `count` random characters of `[A-Za-z0-9]`. */
export function randomCharacters(count: number): string {
  let text = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(count)))
    text += alphabet[byte % alphabet.length];
  return text;
}

/**
 * 20 ASCII characters in the style of BEP 20: client, version, random part. The last digit of the
 * version tells the tracker whether this viewer uploads and so gets a place on the ring.
 */
export function makeViewerId(canUpload = true): string {
  return `-SH010${canUpload ? 1 : 0}-${randomCharacters(12)}`;
}

/** What the id says of its viewer, to the tracker as to itself. */
export function canUpload(viewerId: string): boolean {
  return viewerId.startsWith('-SH0101-');
}
