// What a fatal hls.js error means for a viewer and what can be done about it.
// Pure; `hls-playback.ts` acts on it.

import type { ErrorData } from 'hls.js';
import type { PlaybackFailure } from './playback-state.ts';

export type HlsFault =
  | { readonly kind: 'not-started' }
  | { readonly kind: 'playlist-lost' }
  | { readonly kind: 'media-lost' }
  | { readonly kind: 'decoder' }
  | { readonly kind: 'final'; readonly failure: PlaybackFailure };

/** The fields of hls.js's `ErrorData` that decide. */
export interface FatalError {
  readonly type: `${ErrorData['type']}`;
  readonly details: `${ErrorData['details']}`;
  readonly response?: { readonly code?: number } | undefined;
}

const unplayableDetails: ReadonlySet<string> = new Set([
  'manifestIncompatibleCodecsError',
  'bufferIncompatibleCodecsError',
  'bufferAddCodecError',
]);

export function hlsFaultOf(error: FatalError): HlsFault {
  const isPlaylist = error.details.startsWith('manifest');
  const status = error.response?.code ?? 0;
  if (unplayableDetails.has(error.details)) return { kind: 'final', failure: 'not-supported' };
  if (error.type === 'mediaError') return { kind: 'decoder' };
  if (error.type === 'networkError') {
    if (status === 401 || status === 403) return { kind: 'final', failure: 'forbidden' };
    if (isPlaylist) return { kind: status === 404 ? 'not-started' : 'playlist-lost' };
    return { kind: 'media-lost' };
  }
  if (error.type === 'keySystemError') return { kind: 'final', failure: 'not-supported' };
  return { kind: 'decoder' };
}
