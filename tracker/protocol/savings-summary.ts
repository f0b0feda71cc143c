// The answer of GET /api/v1/savings and of every event of GET /api/v1/events. All byte counts
// are of media that reached a player, by source; ratios are made from sums, never from ratios.

export interface SavingsPoint {
  /** Start of the interval, ISO 8601. */
  readonly at: string;
  readonly viewers: number;
  readonly cdnBytes: number;
  readonly peerBytes: number;
}

/** What viewing was like for one kind of viewer; `null` without one. */
export interface QualityFigures {
  /** How much was watched: what the other figures rest on. */
  readonly playedSeconds: number;
  readonly stallRatio: number | null;
  readonly startupSeconds: number | null;
  /** Mean over reports. */
  readonly liveLatencySeconds: number | null;
  /** Media received per second of playing, in bit/s. */
  readonly bitrateBps: number | null;
}

/** What a CDN's logs say it sent, and what viewers say they got from it in the same minutes. */
export interface CdnMeasurement {
  readonly measuredBytes: number;
  readonly reportedBytes: number;
  /** How much of the window the imported logs cover. */
  readonly coveredSeconds: number;
}

export interface SavingsSummary {
  /** `null` when the summary is of all streams together. */
  readonly stream: string | null;
  readonly windowSeconds: number;
  /** Viewers who are watching now: a beacon in the last 15 s and none that ended the session. */
  readonly viewers: number;
  /** Different viewers in the window, in whole minutes: exact up to 512, else within about 2 %. */
  readonly distinctViewers: number;
  readonly cdnBytes: number;
  readonly peerBytes: number;
  /** `peerBytes / (peerBytes + cdnBytes)`, `null` before any byte. */
  readonly offloadRatio: number | null;
  /** `peerBytes` without what TURN servers relayed, which is paid for too. */
  readonly savedBytes: number;
  readonly savedMoney: number;
  /** ISO 4217. */
  readonly currency: string;
  /** Price of a gigabyte (10⁹ bytes) from the CDN, in `currency`. */
  readonly pricePerGb: number;
  /** Media bytes that the origin itself has sent in the window; `null` when ingest does not answer. */
  readonly originEgressBytes: number | null;
  /** From imported CDN logs; `null` when they cover nothing of the window. */
  readonly cdnMeasured: CdnMeasurement | null;
  /** Seconds stalled per second of watching (played + stalled), `null` before any. */
  readonly stallRatio: number | null;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
  /** Received by way of TURN servers. */
  readonly relayedBytes: number;
  /** Mean over the sessions that started in the window, `null` without one. */
  readonly startupSeconds: number | null;
  /** Mean of the viewers' last reports, `null` without one. */
  readonly liveLatencySeconds: number | null;
  /** Media received per second of playing, in bit/s; `null` before any. */
  readonly bitrateBps: number | null;
  /** Quality apart for viewers who exchange segments and for those who play from the CDN alone. */
  readonly qualityWithPeers: QualityFigures;
  readonly qualityWithoutPeers: QualityFigures;
  /**
   * Of viewers whom chance alone has held out (`p2pShare`): the one to compare `qualityWithPeers` with.
   * Who plays from the CDN for other reasons has another device, network or wish.
   */
  readonly qualityHeldOut: QualityFigures;
  /** Beacons that claim more than the stream's bit rate allows: in none of the other figures. */
  readonly setAsideBeacons: number;
  readonly setAsideBytes: number;
  /** Delivery now, in bit/s by source: the mean of the last three finished 10 s intervals. */
  readonly cdnBitrateBps: number;
  readonly peerBitrateBps: number;
  /** Length of each interval of `series`, in seconds. */
  readonly intervalSeconds: number;
  /** Oldest first, without gaps; the last interval is not finished. */
  readonly series: readonly SavingsPoint[];
}

/** Media bytes by source in one stretch of time. */
export interface PeriodBytes {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  /** The part of `peerBytes` that TURN servers relayed: it saves nothing. */
  readonly relayedBytes: number;
}

/** The answer of GET /api/v1/savings/periods: what a bill would be about. Days and months are UTC. */
export interface SavingsPeriods {
  readonly stream: string | null;
  readonly today: PeriodBytes;
  readonly month: PeriodBytes;
  /** A year at the pace of the last 30 days, or of the time since the first data if that is less. */
  readonly projectedYear: PeriodBytes;
  readonly currency: string;
  readonly pricePerGb: number;
}

/** One stream in the list that the dashboard offers. */
export interface StreamSavings {
  readonly stream: string;
  /** On air now; `null` when ingest does not answer. */
  readonly isLive: boolean | null;
  readonly viewers: number;
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly offloadRatio: number | null;
}

/** The answer of GET /api/v1/savings/streams. */
export interface StreamSavingsList {
  readonly windowSeconds: number;
  /** Where viewers find the pages of ingest, `null` when this tracker does not know. */
  readonly ingestUrl: string | null;
  /** Streams on air, and those with viewers in the window; most bytes first. */
  readonly streams: readonly StreamSavings[];
}
