// Decides, for one viewer and one segment, when to fetch from the CDN if no peer has begun to
// deliver. Pure: neighbours and times in, a time out; rendition-delivery acts on the answer.

/** A uniform number in [0, 1) from a text: FNV-1a with the finalizer of MurmurHash3. */
export function hash01(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * This viewer's place in the queue for a segment: 0 fetches, 1 is its backup, and so on. Every
 * viewer ranks itself and its neighbours by rendezvous hashing (Thaler and Ravishankar, 1998), so
 * a full mesh agrees on one order without a message.
 */
export function cdnTurn(
  viewerId: string,
  neighbourIds: Iterable<string>,
  segmentUrl: string,
): number {
  const own = hash01(`${viewerId} ${segmentUrl}`);
  let turn = 0;
  for (const id of neighbourIds) if (hash01(`${id} ${segmentUrl}`) < own) turn += 1;
  return turn;
}

export interface FetchSituation {
  /** When this viewer learnt of the segment. */
  readonly seenAtMs: number;
  /** When the play head reaches the segment; the past when playback waits for it. */
  readonly deadlineMs: number;
  readonly turn: number;
  readonly neighbourCount: number;
  /** A peer is sending it now. */
  readonly isReceiving: boolean;
  /** It was there before this viewer joined: others have fetched it, nobody waits for us. */
  readonly isFromBeforeJoining: boolean;
  /** What this viewer's fetches of one segment take, pessimistically. */
  readonly cdnFetchMs: number;
}

/** Time kept for a last fetch before the play head arrives, in milliseconds. */
export function guardMs(cdnFetchMs: number): number {
  return Math.min(4_000, Math.max(1_000, 2.5 * cdnFetchMs + 400));
}

/**
 * When to fetch from the CDN, on the clock of `seenAtMs`. The first in turn fetches at once; each
 * backup leaves the ones before it the time to fetch and to begin to send; nobody waits into the
 * guard time before its own deadline.
 */
export function cdnFetchAtMs(situation: FetchSituation): number {
  const { seenAtMs, deadlineMs, turn, neighbourCount, cdnFetchMs } = situation;
  const latestMs = deadlineMs - guardMs(cdnFetchMs);
  if (situation.isReceiving || situation.isFromBeforeJoining) return latestMs;
  if (turn === 0) return Math.min(seenAtMs, latestMs);
  const firstBackupMs = Math.min(1_500, Math.max(600, 1.5 * cdnFetchMs + 400));
  const lastMs = Math.max(seenAtMs + firstBackupMs, latestMs);
  const backups = Math.max(1, neighbourCount);
  const spacingMs = Math.min(firstBackupMs, (lastMs - seenAtMs - firstBackupMs) / backups);
  return Math.min(latestMs, seenAtMs + firstBackupMs + (turn - 1) * spacingMs);
}
