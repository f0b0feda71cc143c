// What a page may know of its part in the swarm: `hls.shoal.peerStatus`. Types alone, without anything
// of the tracker or of delivery, since sites compile against them; peer-control fills them.

import type { GuardDecision } from './guard/quality-guard.ts';
import type { UploadAllowance } from './manners/upload-rules.ts';

/** Who keeps this viewer out of the swarm; `unsupported` is a browser without WebRTC. */
export type PeersOffReason = 'unsupported' | 'viewer' | 'held-out' | 'operator' | 'guard';

export interface PeerStatus {
  /** The viewer is in the swarm, or will be as soon as the tracker answers. */
  readonly isOn: boolean;
  readonly offBecause: PeersOffReason | null;
  readonly isHeldOut: boolean;
  readonly guard: GuardDecision;
  readonly upload: UploadAllowance;
}
