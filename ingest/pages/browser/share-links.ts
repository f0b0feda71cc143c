// What a broadcaster passes on: the watch page's address and the lines that put the player on
// another site. Pure; `broadcast-page.ts` shows them.

export interface ShareTargets {
  readonly watchUrl: string;
  readonly snippet: string;
}

/**
 * @param origin of ingest as this page was loaded from, for example `https://live.example`
 * @param integrityKey pinned by the player: what it has not signed never comes from other viewers
 */
export function shareTargets(
  origin: string,
  stream: string,
  tracker: string | null,
  integrityKey: string | null,
): ShareTargets {
  const name = encodeURIComponent(stream);
  const attributes = [
    `src="${origin}/live/${name}/index.m3u8"`,
    ...(tracker === null ? [] : [`tracker="${escapeAttribute(tracker)}"`]),
    ...(integrityKey === null ? [] : [`integrity-key="${escapeAttribute(integrityKey)}"`]),
    'autoplay muted controls',
  ];
  return {
    watchUrl: `${origin}/watch/${name}`,
    snippet:
      `<script src="${origin}/player/shoal.js"></script>\n` +
      `<shoal-player ${attributes.join(' ')}></shoal-player>`,
  };
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}
