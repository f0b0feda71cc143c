// What a WHIP session needs from the rest of ingest, and what it offers in return. The
// composition root joins the two, so that signalling and transcoding never import each other.

import type { StreamId } from '../protocol/index.ts';
import type { EncodedFrame } from '../rtp/encoded-frame.ts';

/** Why a session ended; `published` broadcasts end their playlists in every case. */
export type SessionCloseReason =
  | 'deleted'
  | 'connection-lost'
  | 'replaced'
  | 'never-connected'
  | 'broadcast-failed'
  | 'over-limit'
  | 'shutdown';

/** A session's media kinds, known from the answer. */
export interface SessionMedia {
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
}

/** The publisher's side, for the broadcast. */
export interface PublisherControl {
  /** Unguessable; safe to log only in part. */
  readonly sessionId: string;
  readonly media: SessionMedia;
  /** Asks for a keyframe (PLI, RFC 4585 §6.3.1); many calls within 200 ms send one. */
  requestKeyframe(): void;
  /** Ends the session; idempotent. */
  close(reason: SessionCloseReason): Promise<void>;
}

/** The broadcast's side, for the session. Never throws: what fails closes the session. */
export interface BroadcastSink {
  writeFrame(frame: EncodedFrame): void;
  /**
   * No frame follows. Resolves when the last segment is in the origin; idempotent, but `deleted`
   * after `connection-lost` says that the publisher will not be back.
   */
  close(reason: SessionCloseReason): Promise<void>;
}

/** Opens the broadcast of an accepted session, called once its connection is up. */
export type OpenBroadcast = (stream: StreamId, publisher: PublisherControl) => BroadcastSink;
