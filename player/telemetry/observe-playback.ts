// Listens to a media element for the playback meter and for delivery's play head. The only part
// of the counting that knows the DOM.

import type { PlaybackEvent } from './playback-meter.ts';

export interface PlaybackObserver {
  onEvent(event: PlaybackEvent): void;
  onPlayhead(positionSeconds: number): void;
  /** There is something to look at. */
  onPicture(): void;
}

/** Listens until the returned function is called. */
export function observePlayback(media: HTMLMediaElement, observer: PlaybackObserver): () => void {
  const tellPlayhead = (): void => {
    // Before the first append a live element stands at 0, far from what will be played.
    if (media.buffered.length > 0) observer.onPlayhead(media.currentTime);
  };
  const handlers: Readonly<Record<string, () => void>> = {
    loadeddata: () => observer.onPicture(),
    playing: () => observer.onEvent('playing'),
    waiting: () => observer.onEvent('waiting'),
    pause: () => observer.onEvent(media.ended ? 'ended' : 'paused'),
    ended: () => observer.onEvent('ended'),
    seeking: () => {
      observer.onEvent('seeking');
      tellPlayhead();
    },
    timeupdate: tellPlayhead,
  };
  for (const [name, handler] of Object.entries(handlers)) media.addEventListener(name, handler);
  return () => {
    for (const [name, handler] of Object.entries(handlers))
      media.removeEventListener(name, handler);
  };
}
