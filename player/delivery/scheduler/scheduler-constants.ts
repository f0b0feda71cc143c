// The numbers of the piece scheduler, each with its reason. They come from simulation and from
// measured prototypes (bench "swarm"); those for low latency apply below 4 s of it.

export interface SchedulerConstants {
  /** Parts of a segment that are fetched from the CDN by different viewers. */
  readonly sliceCount: number;
  /** Requests to one neighbour before it has proved fast, divided by the neighbours there are. */
  readonly firstRequests: number;
  /** Have-messages wait this long, so that several pieces go in one. */
  readonly announceIntervalMs: number;
  /** So long what this viewer fetches waits for the first of it, to be told of in the same message. */
  readonly claimWaitMs: number;
  /** What has come is thought about together with what comes within this time. */
  readonly gatherMs: number;
  /** A backup waits this long for claims, which cross the swarm in about half of it. */
  readonly backupDelayMs: number;
  /** And this much more per viewer that comes before it. */
  readonly backupSpacingMs: number;
  /** How long a claim keeps others from fetching; too short makes duplicates. */
  readonly claimLifetimeMs: number;
  /** Pieces whose deadline is nearer go before all others. */
  readonly urgentMs: number;
  readonly hedgeBaseMs: number;
  /** Expected fetch times that the hedge leaves itself. */
  readonly hedgeFactor: number;
  /**
   * However slow the CDN was of late, this much of the time before the play head is left to peers:
   * one slow spell would else send every viewer to the CDN, which makes it slow.
   */
  readonly mostFirstHedgeMs: number;
  readonly mostLastHedgeMs: number;
  /** A request without an answer for this long is taken back. */
  readonly requestLifetimeMs: number;
  readonly maxOutstanding: number;
  /** After joining without a ring, others fetch: this viewer does not know the swarm yet. */
  readonly joiningMs: number;
  /** After joining with one; it takes a moment until the neighbours' gaps have followed. */
  readonly ringSettleMs: number;
  readonly silentPeerBanMs: number;
  readonly lyingPeerBanMs: number;
  /** A neighbour that delivered within this time is believed about what it has. */
  readonly trustMs: number;
}

/** Live latency assumed: most players are three target durations behind. */
const latencyTargetDurations = 2;

const atLiveLatency: SchedulerConstants = {
  sliceCount: 10,
  firstRequests: 8,
  announceIntervalMs: 50,
  claimWaitMs: 80,
  gatherMs: 20,
  backupDelayMs: 400,
  backupSpacingMs: 200,
  claimLifetimeMs: 1_200,
  urgentMs: 1_500,
  hedgeBaseMs: 400,
  hedgeFactor: 2.5,
  mostFirstHedgeMs: 3_000,
  mostLastHedgeMs: 2_600,
  requestLifetimeMs: 2_000,
  maxOutstanding: 64,
  joiningMs: 4_000,
  ringSettleMs: 1_000,
  silentPeerBanMs: 20_000,
  lyingPeerBanMs: 600_000,
  trustMs: 60_000,
};

/**
 * The constants for a viewer who is `latencyMs` from the publication of a segment to the moment the
 * play head reaches it.
 */
export function schedulerConstants(latencyMs: number): SchedulerConstants {
  if (latencyMs >= 4_000) return atLiveLatency;
  return {
    ...atLiveLatency,
    announceIntervalMs: 20,
    claimWaitMs: 30,
    gatherMs: 4,
    backupDelayMs: clamp(0.12 * latencyMs, 150, 400),
    backupSpacingMs: 150,
    claimLifetimeMs: clamp(0.2 * latencyMs, 300, 800),
    urgentMs: 0.3 * latencyMs,
    hedgeBaseMs: 250,
    hedgeFactor: 1.8,
    mostFirstHedgeMs: 0.65 * latencyMs,
    mostLastHedgeMs: 0.5 * latencyMs,
  };
}

/**
 * The constants for a track of a playback. Sound that is apart is a piece or two a segment, small for any
 * line: it has time to go with the messages of the pictures.
 */
export function trackConstants(
  isSound: boolean,
  targetDurationSeconds: number,
): SchedulerConstants {
  const constants = schedulerConstants(latencyTargetDurations * targetDurationSeconds * 1_000);
  const { announceIntervalMs, gatherMs } = constants;
  if (!isSound) return constants;
  return { ...constants, announceIntervalMs: 2 * announceIntervalMs, gatherMs: 3 * gatherMs };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
