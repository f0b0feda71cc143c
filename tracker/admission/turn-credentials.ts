// Time-limited credentials for TURN servers, as coturn's `use-auth-secret` checks them: an HMAC of
// the time at which they end. Pure; the route of the ICE servers hands them out.

import { createHmac } from 'node:crypto';

export interface TurnSetting {
  /** `stun:`, `turn:` and `turns:` URLs (RFC 7064, RFC 7065). */
  readonly urls: readonly string[];
  /** Shared with the TURN servers; `null` when there are only STUN servers. */
  readonly secret: string | null;
}

/** As WebRTC's RTCIceServer has it. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Longer than anybody watches: coturn asks again with every refresh of an allocation. */
export const credentialSeconds = 24 * 3_600;

/** The servers with credentials that are good from `nowMs` on. */
export function iceServersOf({ urls, secret }: TurnSetting, nowMs: number): readonly IceServer[] {
  const open = urls.filter((url) => url.startsWith('stun'));
  const closed = urls.filter((url) => !url.startsWith('stun'));
  const servers: IceServer[] = open.length === 0 ? [] : [{ urls: open }];
  if (secret !== null && closed.length > 0) {
    const username = String(Math.floor(nowMs / 1_000) + credentialSeconds);
    const credential = createHmac('sha1', secret).update(username).digest('base64');
    servers.push({ urls: closed, username, credential });
  }
  return servers;
}
