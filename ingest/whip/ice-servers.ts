// STUN and TURN servers as configured, `stun:host:port` or `turn:user:password@host:port`. They
// go to the publisher as Link headers (RFC 9725 §4.6) and to libdatachannel for gathering.

export interface IceServer {
  /** `stun:host:port` or `turn:host:port`, without credentials. */
  readonly url: string;
  readonly username: string | null;
  readonly credential: string | null;
}

const pattern = /^(stuns?|turns?):(?:([^:@]+):([^@]+)@)?([^@\s]+)$/;

/** The server, or `null` when the text is not one. */
export function parseIceServer(text: string): IceServer | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const [, scheme = '', username, credential, address = ''] = match;
  return {
    url: `${scheme}:${address}`,
    username: username ?? null,
    credential: credential ?? null,
  };
}

/** The value of one Link header. */
export function formatIceServerLink(server: IceServer): string {
  const parts = [`<${server.url}>`, 'rel="ice-server"'];
  if (server.username !== null && server.credential !== null) {
    parts.push(
      `username="${quoted(server.username)}"`,
      `credential="${quoted(server.credential)}"`,
      'credential-type="password"',
    );
  }
  return parts.join('; ');
}

function quoted(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
