// Listens to a media element for the playback meter and for delivery's play head. The only part
// of the counting that knows the DOM.

import type { PlaybackEvent } from './playback-meter.ts';

export interface PlaybackObserver {
  /** @param bufferedSeconds media that is there to be played on */
  onEvent(event: PlaybackEvent, bufferedSeconds: number): void;
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
  const tell = (event: PlaybackEvent): void => observer.onEvent(event, bufferedSecondsOf(media));
  const handlers: Readonly<Record<string, () => void>> = {
    loadeddata: () => observer.onPicture(),
    playing: () => tell('playing'),
    waiting: () => tell('waiting'),
    pause: () => tell(media.ended ? 'ended' : 'paused'),
    ended: () => tell('ended'),
    seeking: () => {
      tell('seeking');
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

/** From the play head to the end of what is buffered around it. */
function bufferedSecondsOf({ buffered, currentTime }: HTMLMediaElement): number {
  for (let range = 0; range < buffered.length; range += 1)
    if (buffered.start(range) <= currentTime && currentTime <= buffered.end(range))
      return buffered.end(range) - currentTime;
  return 0;
}
