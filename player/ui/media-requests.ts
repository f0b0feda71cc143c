// What media-chrome's controls ask for, as this player does it: playing within the autoplay policy,
// live positions, pictures above the seek bar. Everything else is media-chrome's own.

import { type RequestMap, requestMap } from 'media-chrome/dist/media-store/request-map.js';
import type { ThumbnailView } from './thumbnails.ts';

/** What the controls need of the player beyond a media element. */
export interface ControlledPlayer {
  /** The viewer pressed play. */
  playFromControls(): void;
  seekToLive(): void;
  readonly seekable: TimeRanges;
  readonly streamType: string;
  /** The picture at a position in seconds, `null` while there is none. */
  thumbnailAt(positionSeconds: number): ThumbnailView | null;
}

/** For media-chrome's store of one player. */
export function playerRequests(player: ControlledPlayer): RequestMap {
  return {
    ...requestMap,
    mediaplayrequest: () => player.playFromControls(),
    mediaseektoliverequest: () => player.seekToLive(),
    mediapreviewrequest: (_mediator, _owners, { detail }) => preview(player, detail),
  };
}

function preview(
  player: ControlledPlayer,
  detail: unknown,
): ReturnType<RequestMap['mediapreviewrequest']> {
  const range = seekRange(player.seekable);
  if (typeof detail !== 'number' || range === null) {
    return {
      mediaPreviewTime: undefined,
      mediaPreviewImage: undefined,
      mediaPreviewCoords: undefined,
    } as never;
  }
  const positionSeconds = previewPosition(detail, range);
  const thumbnail = player.thumbnailAt(positionSeconds);
  return {
    mediaPreviewTime:
      player.streamType === 'live' ? positionSeconds - range.endSeconds : positionSeconds,
    mediaPreviewImage: thumbnail?.imageUrl,
    mediaPreviewCoords: thumbnail === null ? undefined : [...thumbnail.rectangle],
  } as never;
}

export interface SeekRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

function seekRange(seekable: TimeRanges): SeekRange | null {
  if (seekable.length === 0) return null;
  return { startSeconds: seekable.start(0), endSeconds: seekable.end(seekable.length - 1) };
}

/**
 * Where the pointer is on the media's timeline. media-chrome 4 counts from zero to the end of the
 * range, also when the range begins later, as a sliding live window does.
 */
export function previewPosition(detail: number, { startSeconds, endSeconds }: SeekRange): number {
  return startSeconds + (detail / endSeconds) * (endSeconds - startSeconds);
}
