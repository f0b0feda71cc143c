// One timeline for all tracks of a session: this server's wall clock in milliseconds. The first
// track, the picture, keeps its own steady pace; the others follow it by the sender's reports.

import type { SenderReport } from './rtcp-packet.ts';
import { TimestampExtender } from './serial-arithmetic.ts';
import { SlidingMinimum } from './sliding-minimum.ts';

const fastestPacketWindowMs = 30_000;
/** A correction this fast is not heard: audio is resampled to follow. */
const gentleSlewRate = 0.02;
/**
 * The leading track is left alone within this error: its distance from the true time of capture is
 * no matter, but frames that move against each other are, for players and decoders.
 */
const leaderToleranceMs = 60;
/** Above this error the picture visibly leaves the sound; correct faster. */
const gentleErrorMs = 200;
const fastSlewRate = 0.1;
/** A frame that much ahead of or behind its arrival has a new timestamp base: start anew. */
const maxDriftMs = 4_000;
/** Reports that would move a track against the other by more come from a broken clock. */
const maxReportDisagreementMs = 1_000;
/** Time never stands still: the least step between two frames of a track. */
const minStepMs = 0.1;

interface Track {
  readonly clockRateHz: number;
  readonly extender: TimestampExtender;
  /** Arrival less media time of the fastest packets. */
  readonly fastestArrival: SlidingMinimum;
  /** Sender's clock less media time; `null` before the first report. */
  reportOffsetMs: number | null;
  /** Server's clock less media time as applied now; `null` before the first frame. */
  offsetMs: number | null;
  lastMediaMs: number;
  lastCaptureMs: number;
  /** The leader has left its tolerance and is on its way back. */
  isCorrecting: boolean;
}

/** @typeParam Id names the tracks of the session */
export class Timeline<Id extends string> {
  readonly #tracks = new Map<Id, Track>();
  readonly #leader: Track | undefined;

  /** @param clockRatesHz the RTP clock of every track that takes part, the leading one first */
  constructor(clockRatesHz: ReadonlyMap<Id, number>) {
    for (const [id, clockRateHz] of clockRatesHz) {
      this.#tracks.set(id, {
        clockRateHz,
        extender: new TimestampExtender(),
        fastestArrival: new SlidingMinimum(fastestPacketWindowMs),
        reportOffsetMs: null,
        offsetMs: null,
        lastMediaMs: 0,
        lastCaptureMs: -Infinity,
        isCorrecting: false,
      });
    }
    this.#leader = this.#tracks.values().next().value;
  }

  /**
   * When a frame was captured, in milliseconds since the Unix epoch by this server's clock; later
   * than the track's frame before.
   * @param arrivalMs arrival of the frame's first packet, by the same clock
   */
  captureTimeMs(id: Id, rtpTimestamp: number, arrivalMs: number): number {
    const track = this.#trackOf(id);
    let mediaMs = this.#mediaMs(track, track.extender.extend(rtpTimestamp));
    if (track.offsetMs !== null && Math.abs(mediaMs + track.offsetMs - arrivalMs) > maxDriftMs) {
      this.restart(id);
      mediaMs = this.#mediaMs(track, track.extender.extend(rtpTimestamp));
    }
    track.fastestArrival.add(arrivalMs - mediaMs, arrivalMs);
    if (track.offsetMs === null) track.offsetMs = arrivalMs - mediaMs;
    else track.offsetMs = this.#slew(track, track.offsetMs, mediaMs);
    track.lastMediaMs = mediaMs;
    track.lastCaptureMs = Math.max(mediaMs + track.offsetMs, track.lastCaptureMs + minStepMs);
    return track.lastCaptureMs;
  }

  /** The track goes on from another stream of packets, which counts from elsewhere. */
  restart(id: Id): void {
    const track = this.#trackOf(id);
    track.extender.reset();
    track.fastestArrival.reset();
    track.reportOffsetMs = null;
    track.offsetMs = null;
  }

  /** Takes a track's sender report (RFC 3550 §6.4.1): its clock against its RTP timestamps. */
  handleSenderReport(id: Id, report: SenderReport): void {
    const track = this.#trackOf(id);
    // Before the first frame there is nothing to extend the timestamp from.
    if (report.ntpTimeMs === null || track.offsetMs === null) return;
    const mediaMs = this.#mediaMs(track, track.extender.peek(report.rtpTimestamp));
    track.reportOffsetMs = report.ntpTimeMs - mediaMs;
  }

  /** Moves an offset towards its target, the further the more media time went by. */
  #slew(track: Track, offsetMs: number, mediaMs: number): number {
    const errorMs = this.#targetOffsetMs(track) - offsetMs;
    if (track === this.#leader && !this.#mustCorrect(track, errorMs)) return offsetMs;
    const elapsedMs = Math.max(0, mediaMs - track.lastMediaMs);
    const rate = Math.abs(errorMs) > gentleErrorMs ? fastSlewRate : gentleSlewRate;
    const limitMs = elapsedMs * rate;
    return offsetMs + Math.max(-limitMs, Math.min(limitMs, errorMs));
  }

  #mustCorrect(leader: Track, errorMs: number): boolean {
    if (Math.abs(errorMs) > leaderToleranceMs) leader.isCorrecting = true;
    else if (Math.abs(errorMs) < 1) leader.isCorrecting = false;
    return leader.isCorrecting;
  }

  #targetOffsetMs(track: Track): number {
    const leader = this.#leader;
    if (leader === undefined || track === leader || leader.offsetMs === null)
      return this.#trueOffsetMs(track);
    // What the leader is off by, all are: they stay together.
    return this.#trueOffsetMs(track) + leader.offsetMs - this.#trueOffsetMs(leader);
  }

  /** By the sender's clock where all tracks have reported, else by the fastest packets. */
  #trueOffsetMs(track: Track): number {
    const senderClockMs = this.#senderClockOffsetMs();
    return track.reportOffsetMs === null || senderClockMs === null
      ? track.fastestArrival.value
      : track.reportOffsetMs + senderClockMs;
  }

  /** Server's clock less sender's clock by the fastest packet of all tracks, or `null`. */
  #senderClockOffsetMs(): number | null {
    let least = Infinity;
    let most = -Infinity;
    for (const track of this.#tracks.values()) {
      if (track.reportOffsetMs === null) return null;
      const differenceMs = track.fastestArrival.value - track.reportOffsetMs;
      least = Math.min(least, differenceMs);
      most = Math.max(most, differenceMs);
    }
    return most - least <= maxReportDisagreementMs ? least : null;
  }

  #mediaMs(track: Track, extendedTimestamp: number): number {
    return (extendedTimestamp / track.clockRateHz) * 1000;
  }

  #trackOf(id: Id): Track {
    const track = this.#tracks.get(id);
    if (track === undefined) throw new RangeError(`the timeline has no track ${id}`);
    return track;
  }
}
