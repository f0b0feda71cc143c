// What the overlay says about a snapshot of the statistics: sentences and figures, no DOM.
// `stats-overlay.ts` shows it.

import type { PlayerStats } from '../stats.ts';
import { formatBytes, formatPercent, formatSeconds, unknownFigure } from './format.ts';

export interface OverlayFigure {
  readonly label: string;
  readonly value: string;
}

export interface OverlayModel {
  /** The share that viewers delivered, in 0…1, `null` before any byte. */
  readonly peerShare: number | null;
  readonly headline: string;
  /** The bar in words, for screen readers. */
  readonly barLabel: string;
  readonly fromPeers: string;
  readonly fromCdn: string;
  readonly figures: readonly OverlayFigure[];
}

/** @param peersAllowed `false` when this viewer shares nothing, by choice or by configuration */
export function overlayModel(stats: PlayerStats, peersAllowed: boolean): OverlayModel {
  const share = stats.offloadRatio;
  return {
    peerShare: share,
    headline: formatPercent(share),
    barLabel:
      share === null
        ? 'Nothing delivered yet'
        : `${formatPercent(share)} from viewers, ${formatPercent(1 - share)} from the CDN`,
    fromPeers: formatBytes(stats.peerBytes),
    fromCdn: formatBytes(stats.cdnBytes),
    figures: [
      { label: 'Peers', value: peersAllowed ? String(stats.peerCount) : 'off' },
      { label: 'Uploaded', value: formatBytes(stats.uploadedBytes) },
      { label: 'Latency', value: formatSeconds(stats.liveLatencySeconds) },
      { label: 'Rendition', value: stats.rendition ?? unknownFigure },
      { label: 'Start-up', value: formatSeconds(stats.startupSeconds) },
      { label: 'Stalls', value: stallFigure(stats) },
    ],
  };
}

function stallFigure(stats: PlayerStats): string {
  if (stats.stallCount === 0) return 'none';
  return `${stats.stallCount} · ${formatSeconds(stats.stallSeconds)}`;
}
