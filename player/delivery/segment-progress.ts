// Where one segment stands on its way to this viewer: who brings it, who waits for it. Owned by
// rendition-delivery, which alone changes it.

import type { DeliveredSegment, DeliverySource } from './delivery-events.ts';
import type { MediaSegment } from './media-segment.ts';

/** Is told what has arrived of a segment, from its start without a gap. */
export type OnArriving = (arriving: ArrivingSegment) => void;

/** A segment on its way. */
export interface ArrivingSegment {
  /** Verified bytes from the start of the segment on. */
  readonly startBytes: number;
  /** A copy of those from `fromBytes` on. */
  readonly read: (fromBytes: number) => Uint8Array<ArrayBuffer>;
  readonly sizeBytes: number;
  /** The transfer from the CDN that brings it, `null` when others may. */
  readonly transfer: Pick<
    NonNullable<DeliveredSegment['transfer']>,
    'startedAtMs' | 'firstByteAtMs'
  > | null;
}

interface Waiter {
  readonly onArriving: OnArriving | undefined;
  readonly resolve: (delivered: DeliveredSegment) => void;
  readonly reject: (reason: unknown) => void;
}

/** A fetch from the CDN under way. */
export interface CdnAttempt {
  readonly controller: AbortController;
  /** A peer was sending when it began: both go on, the first one wins. */
  readonly isHedge: boolean;
}

export class SegmentProgress {
  segment: MediaSegment;
  readonly isFromBeforeJoining: boolean;
  /** When this viewer began to want it, `null` as long as it does not. */
  wantedAtMs: number | null = null;
  isReceiving = false;
  attempt: CdnAttempt | null = null;
  /** Who brought it, once somebody has. */
  source: DeliverySource | null = null;
  transfer: DeliveredSegment['transfer'] = null;
  sizeBytes = 0;
  /** The player has it. */
  isCounted = false;
  failures = 0;
  /** After a failure nobody asked about: not before this time. */
  retryAtMs = 0;
  readonly #waiters = new Set<Waiter>();

  constructor(segment: MediaSegment, isFromBeforeJoining: boolean) {
    this.segment = segment;
    this.isFromBeforeJoining = isFromBeforeJoining;
  }

  get isDemanded(): boolean {
    return this.#waiters.size > 0;
  }

  /** Waits for the segment until it comes, fails, or `signal` aborts (`AbortError`). */
  wait(signal: AbortSignal, onArriving?: OnArriving): Promise<DeliveredSegment> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        reject(new DOMException('Aborted.', 'AbortError'));
      };
      const waiter: Waiter = {
        onArriving,
        resolve: (delivered) => {
          signal.removeEventListener('abort', leave);
          resolve(delivered);
        },
        reject: (reason) => {
          signal.removeEventListener('abort', leave);
          reject(reason);
        },
      };
      this.#waiters.add(waiter);
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** More of the segment is there, but not all. */
  arrive(arriving: ArrivingSegment): void {
    for (const waiter of this.#waiters) waiter.onArriving?.(arriving);
  }

  /** @param copy makes one for each waiter */
  deliver(copy: () => ArrayBuffer): void {
    const source = this.source ?? 'cdn';
    for (const waiter of this.#takeWaiters())
      waiter.resolve({ bytes: copy(), source, transfer: this.transfer });
  }

  fail(reason: unknown): void {
    for (const waiter of this.#takeWaiters()) waiter.reject(reason);
  }

  #takeWaiters(): Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    return waiters;
  }
}
