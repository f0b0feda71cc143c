// Reads the attributes of `<shoal-player>` into the options of a session.
// `shoal-player.ts` calls it each time it opens a source.

import type { PeerMode, ShoalConfig } from './config.ts';

/** Attributes that take effect when a source is opened; a change opens it again. */
export const sessionAttributes = [
  'src',
  'tracker',
  'token',
  'token-url',
  'telemetry',
  'exchange',
  'integrity-key',
  'relay-only',
] as const;

/** `off` and `consent` as written; everything else, also nothing, is `on`. */
export function parsePeerMode(text: string | null): PeerMode {
  return text === 'off' || text === 'consent' ? text : 'on';
}

/** The session's options; an empty attribute counts as absent. */
export function shoalConfigOf(element: Element, p2p: PeerMode): ShoalConfig {
  const text = (name: string): string | undefined => element.getAttribute(name) || undefined;
  return {
    tracker: text('tracker'),
    token: text('token'),
    tokenUrl: text('token-url'),
    telemetry: text('telemetry'),
    integrityKey: text('integrity-key'),
    exchange: text('exchange') === 'p2p-media-loader' ? 'p2p-media-loader' : undefined,
    relayOnly: element.hasAttribute('relay-only'),
    p2p,
  };
}
