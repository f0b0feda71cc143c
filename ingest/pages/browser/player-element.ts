// Makes the `<shoal-player>` of the watch and embed pages from their settings. The element itself
// comes from the embed script, as on any other site.

import type { PageConfig } from './page-config.ts';

/** The part of the element's interface that these pages use. */
export interface SharingPlayer extends HTMLElement {
  /** What this viewer answered, here or on another page of the origin; `null` before that. */
  readonly peerConsent: 'allowed' | 'refused' | null;
  allowPeers(allowed: boolean): void;
}

export function isSharingPlayer(element: HTMLElement): element is SharingPlayer {
  return 'allowPeers' in element;
}

/** The player of a page's stream, not yet in the document. */
export function createPlayer(
  config: PageConfig,
  attributes: Readonly<Record<string, string>>,
): HTMLElement {
  const player = document.createElement('shoal-player');
  const stream = encodeURIComponent(config.stream);
  const all: Record<string, string> = {
    ...(config.tracker === null ? {} : { tracker: config.tracker }),
    ...(config.tokenUrl === null ? {} : { 'token-url': config.tokenUrl }),
    autoplay: '',
    muted: '',
    playsinline: '',
    controls: '',
    ...attributes,
    src: `/live/${stream}/index.m3u8`,
  };
  for (const [name, value] of Object.entries(all)) player.setAttribute(name, value);
  return player;
}
