// Decides whether other viewers may go on delivering to this one: turns them down, then off, when
// playback is worse than the CDN would have made it. Pure; the session feeds it once a second.

/** `careful` asks the CDN earlier; `off` leaves the swarm. */
export type GuardLevel = 'full' | 'careful' | 'off';

/** What made the guard step back. */
export type GuardReason = 'stall' | 'long-stall' | 'slow-start' | 'low-bitrate' | 'late-pieces';

/** Totals since the source was opened, and what is true now. */
export interface GuardObservation {
  readonly nowMs: number;
  /** Peers are connected. */
  readonly isSharing: boolean;
  readonly stallCount: number;
  /** Of these, the ones that began with media in the buffer: nobody was late. */
  readonly deviceStallCount: number;
  readonly stallSeconds: number;
  /** Media given to the player, from whomever. */
  readonly deliveredBytes: number;
  /** Of that, what peers owed and the CDN had to bring at the last moment. */
  readonly hedgedBytes: number;
  /** Failures and delays of the CDN itself. */
  readonly cdnTroubleCount: number;
  /** From load to the first frame, and what the CDN alone would have taken; `null` if unknown. */
  readonly startupSeconds: number | null;
  readonly cdnStartupSeconds: number | null;
  /** The rendition is lower than the CDN's speed allows. */
  readonly isBelowCdnQuality: boolean;
}

export interface GuardDecision {
  readonly level: GuardLevel;
  /** Why the level is not `full`. */
  readonly reason: GuardReason | null;
}

/** A stall so soon after trouble at the CDN is the CDN's: without peers it would be longer. */
const cdnTroubleMs = 15_000;
/** What peers have done is felt for as long as what they brought is in the buffer. */
const sharingEchoMs = 10_000;
const longStallSeconds = 2;
const slowStartSeconds = 3;
const lowBitrateMs = 20_000;
/** Hysteresis: back at `full` only after this long without a fault, and with few late pieces. */
const carefulMs = 60_000;
const lateWindowMs = 20_000;
/**
 * What is late in the first seconds with others says nothing of them: they and this viewer are still
 * finding out who has what. Of 36 Chromiums in swarms of six, 24 had it above the limit within 5 s of opening,
 * and most of them a tenth of it or less over 38 s.
 */
const meetingMs = 5_000;
const leastWindowBytes = 512 * 1024;
const manyLateShare = 0.3;
const fewLateShare = 0.1;
/** More than this although the CDN is asked early: the peers are of no use. */
const uselessShare = 0.6;
const firstOffMs = 30_000;
const maxOffMs = 15 * 60_000;
/** After this long at `full` an earlier fault is half forgiven. */
const forgivenMs = 5 * 60_000;

interface Sample {
  readonly atMs: number;
  readonly deliveredBytes: number;
  readonly hedgedBytes: number;
}

/** Stalls for lack of media. */
function lackCount({ stallCount, deviceStallCount }: GuardObservation): number {
  return stallCount - deviceStallCount;
}

export class QualityGuard {
  readonly #random: () => number;
  #level: GuardLevel = 'full';
  #reason: GuardReason | null = null;
  #changedAtMs = Number.NEGATIVE_INFINITY;
  #faultAtMs = Number.NEGATIVE_INFINITY;
  #offUntilMs = 0;
  #timesOff = 0;
  #sharedAtMs = Number.NEGATIVE_INFINITY;
  /** When it met the first of those who are judged now; `null` before. */
  #metAtMs: number | null = null;
  #troubleAtMs = Number.NEGATIVE_INFINITY;
  #belowSinceMs: number | null = null;
  #previous: GuardObservation | null = null;
  /** Seconds of stalling before the one that is under way. */
  #stallBaseSeconds = 0;
  #isLongStallJudged = false;
  #isStartJudged = false;
  #samples: Sample[] = [];

  /** @param random uniform in [0, 1): a swarm that fails must not come back all at once */
  constructor(random: () => number) {
    this.#random = random;
  }

  get decision(): GuardDecision {
    return { level: this.#level, reason: this.#level === 'full' ? null : this.#reason };
  }

  observe(now: GuardObservation): GuardDecision {
    const previous = this.#previous ?? now;
    this.#previous = now;
    if (now.isSharing) this.#sharedAtMs = now.nowMs;
    if (now.isSharing && this.#level !== 'off') this.#metAtMs ??= now.nowMs;
    if (now.cdnTroubleCount > previous.cdnTroubleCount) this.#troubleAtMs = now.nowMs;
    this.#sample(now);
    if (this.#level === 'off') {
      if (now.nowMs >= this.#offUntilMs) this.#change('careful', now.nowMs);
      return this.decision;
    }
    const reason = this.#faultOf(now, previous);
    if (reason !== null) this.#stepBack(reason, now.nowMs);
    else if (this.#level === 'careful') this.#recover(now.nowMs);
    else this.#forgive(now.nowMs);
    return this.decision;
  }

  #faultOf(now: GuardObservation, previous: GuardObservation): GuardReason | null {
    const hasLacked = lackCount(now) > lackCount(previous);
    if (now.stallCount > previous.stallCount) {
      this.#stallBaseSeconds = previous.stallSeconds;
      this.#isLongStallJudged = !hasLacked;
    }
    const isPeersDoing = now.nowMs - this.#sharedAtMs <= sharingEchoMs;
    const isCdnWell = now.nowMs - this.#troubleAtMs > cdnTroubleMs;
    if (!isPeersDoing || !isCdnWell) {
      this.#belowSinceMs = null;
      return null;
    }
    if (hasLacked) return 'stall';
    if (this.#isStallLong(now)) return 'long-stall';
    if (this.#isStartSlow(now)) return 'slow-start';
    this.#belowSinceMs = now.isBelowCdnQuality ? (this.#belowSinceMs ?? now.nowMs) : null;
    if (this.#belowSinceMs !== null && now.nowMs - this.#belowSinceMs >= lowBitrateMs) {
      this.#belowSinceMs = null;
      return 'low-bitrate';
    }
    const limit = this.#level === 'careful' ? uselessShare : manyLateShare;
    const judgedFromMs = Math.max(this.#changedAtMs, this.#knownAtMs);
    const isSettled = now.nowMs - judgedFromMs >= lateWindowMs;
    return isSettled && (this.#lateShare ?? 0) >= limit ? 'late-pieces' : null;
  }

  #isStallLong({ stallCount, stallSeconds }: GuardObservation): boolean {
    if (stallCount === 0 || this.#isLongStallJudged) return false;
    if (stallSeconds - this.#stallBaseSeconds < longStallSeconds) return false;
    this.#isLongStallJudged = true;
    return true;
  }

  #isStartSlow({ startupSeconds, cdnStartupSeconds }: GuardObservation): boolean {
    if (this.#isStartJudged || startupSeconds === null || cdnStartupSeconds === null) return false;
    this.#isStartJudged = true;
    return startupSeconds > cdnStartupSeconds + slowStartSeconds;
  }

  #stepBack(reason: GuardReason, nowMs: number): void {
    this.#reason = reason;
    this.#faultAtMs = nowMs;
    const isOff = this.#level === 'careful' || reason === 'long-stall';
    if (!isOff) {
      this.#change('careful', nowMs);
      return;
    }
    const offMs = Math.min(maxOffMs, firstOffMs * 2 ** this.#timesOff);
    this.#offUntilMs = nowMs + offMs * (0.75 + this.#random() / 2);
    this.#timesOff += 1;
    this.#change('off', nowMs);
  }

  #recover(nowMs: number): void {
    const quietMs = nowMs - Math.max(this.#faultAtMs, this.#changedAtMs);
    if (quietMs >= carefulMs && (this.#lateShare ?? 0) < fewLateShare) this.#change('full', nowMs);
  }

  #forgive(nowMs: number): void {
    if (this.#timesOff === 0 || nowMs - this.#changedAtMs < forgivenMs) return;
    this.#timesOff -= 1;
    this.#changedAtMs = nowMs;
  }

  #change(level: GuardLevel, nowMs: number): void {
    this.#level = level;
    if (level === 'off') this.#metAtMs = null;
    this.#changedAtMs = nowMs;
    this.#samples = this.#samples.slice(-1);
  }

  /** Of the media of the last seconds, what peers brought too late; `null` when it was little. */
  get #lateShare(): number | null {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last) return null;
    const deliveredBytes = last.deliveredBytes - first.deliveredBytes;
    if (deliveredBytes < leastWindowBytes) return null;
    return (last.hedgedBytes - first.hedgedBytes) / deliveredBytes;
  }

  /** From then on others can be judged by what is late. */
  get #knownAtMs(): number {
    return this.#metAtMs === null ? Number.POSITIVE_INFINITY : this.#metAtMs + meetingMs;
  }

  #sample({ nowMs: atMs, deliveredBytes, hedgedBytes }: GuardObservation): void {
    if (atMs <= this.#knownAtMs) this.#samples = [];
    this.#samples.push({ atMs, deliveredBytes, hedgedBytes });
    while ((this.#samples[0]?.atMs ?? atMs) < atMs - lateWindowMs) this.#samples.shift();
  }
}
