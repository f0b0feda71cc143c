// What the scheduler tells its surroundings to do, and how it names things. The exchange carries
// the actions out; the simulator models their effects.

/** Why a viewer fetches from the CDN; reported with every byte above one copy in a swarm. */
export type FetchReason = 'start' | 'owner' | 'backup' | 'hedge' | 'alone';

/** What goes to one neighbour as one message. */
export interface Parcel {
  readonly neighbour: string;
  readonly pieces: readonly { readonly segment: number; readonly piece: number }[];
}

export type SchedulerAction =
  | {
      readonly kind: 'fetch';
      readonly segment: number;
      /** First and last piece of one HTTP range. */
      readonly firstPiece: number;
      readonly lastPiece: number;
      readonly reason: FetchReason;
    }
  | {
      readonly kind: 'request';
      readonly neighbour: string;
      readonly segment: number;
      readonly piece: number;
      /** Time left until the play head needs it. */
      readonly deadlineInMs: number;
    }
  | {
      readonly kind: 'cancel';
      readonly neighbour: string;
      readonly segment: number;
      readonly piece: number;
    }
  | {
      readonly kind: 'send';
      /** To be on the line together; reported as sent once all have left. */
      readonly parcels: readonly Parcel[];
    }
  | {
      readonly kind: 'have';
      readonly neighbour: string;
      readonly segment: number;
      readonly bits: Uint8Array;
      /** Bit `j` is set when slice `j` is being fetched from the CDN by somebody. */
      readonly claims: number;
    }
  /** Too little comes from the neighbours: more are to be met. */
  | { readonly kind: 'meet' }
  | { readonly kind: 'drop'; readonly neighbour: string; readonly banMs: number };

/** A viewer's place among those who can upload, given by the tracker. */
export interface RingPosition {
  /** In [0, 1). */
  readonly position: number;
  /** Distance to the viewer before it on the ring, in (0, 1]. */
  readonly gap: number;
  /** Viewers on the ring. */
  readonly capableCount: number;
  /** Viewers with stronger lines fetch: this one has no slices and is nobody's backup. */
  readonly isSpared?: boolean;
}
