// Decides at every moment whether this viewer takes part in the swarm and how much it sends: the
// viewer's choice, chance, the operator, the quality guard and the device all have their say.

import { defaultPlayerConfig, type PlayerConfig } from '@shoal/tracker/protocol';
import type { PeerSettings } from './delivery/index.ts';
import { isHeldOut } from './guard/hold-out.ts';
import { type GuardDecision, type GuardObservation, QualityGuard } from './guard/quality-guard.ts';
import { DeviceWatch } from './manners/device-watch.ts';
import { type UploadAllowance, uploadAllowance } from './manners/upload-rules.ts';
import type { PeerStatus, PeersOffReason } from './peer-status.ts';

/** What is told to delivery. */
export interface ControlledPeers {
  allowPeers(isAllowed: boolean): void;
  configurePeers(settings: PeerSettings): void;
}

export interface PeerControlOptions {
  /** Random name of the session: decides about the hold-out. */
  readonly session: string;
  /** The browser has WebRTC. */
  readonly canConnect: boolean;
  readonly p2pShare: number;
  readonly minViewers: number;
  readonly uploadLimitBps: number | null;
  readonly maxUploadRatio: number;
  readonly usesGuard: boolean;
  readonly random: () => number;
  readonly onGuard: (decision: GuardDecision) => void;
}

interface MovedBytes {
  readonly uploadedBytes: number;
  readonly cdnBytes: number;
  readonly peerBytes: number;
}

const nothingMoved: MovedBytes = { uploadedBytes: 0, cdnBytes: 0, peerBytes: 0 };
/** So often the upload is held against what was downloaded: of so many observations one. */
const observationsPerRatio = 5;

export class PeerControl {
  readonly #options: PeerControlOptions;
  readonly #device = new DeviceWatch(() => this.#apply());
  #guard: QualityGuard;
  #remote: PlayerConfig = defaultPlayerConfig;
  #viewerAllows: boolean;
  #peers: ControlledPeers | null = null;
  #moved = nothingMoved;
  #observationCount = 0;
  #upload: UploadAllowance = { canUpload: true, limitBps: null, reason: null };

  constructor(options: PeerControlOptions, viewerAllows: boolean) {
    this.#options = options;
    this.#viewerAllows = viewerAllows;
    this.#guard = new QualityGuard(options.random);
  }

  get memoryGb(): number | null {
    return this.#device.conditions.memoryGb;
  }

  get status(): PeerStatus {
    const offBecause = this.#offBecause;
    return {
      isOn: offBecause === null,
      offBecause,
      isHeldOut: this.#isHeldOut,
      guard: this.#guard.decision,
      upload: this.#upload,
    };
  }

  /** Whether the session counts as one with peers: what the guard does is part of such viewing. */
  get isAssigned(): boolean {
    return this.#offBecause === null || this.#offBecause === 'guard';
  }

  /** A source is opened: what was learnt of the one before is forgotten. */
  attach(peers: ControlledPeers): void {
    this.#peers = peers;
    this.#guard = new QualityGuard(this.#options.random);
    this.#moved = nothingMoved;
    this.#apply();
  }

  /** Leaves the swarms and joins again: what they are called has changed. */
  rejoin(): void {
    this.#peers?.allowPeers(false);
    this.#apply();
  }

  detach(): void {
    this.#peers = null;
  }

  allow(isAllowed: boolean): void {
    this.#viewerAllows = isAllowed;
    this.#apply();
  }

  setRemote(config: PlayerConfig): void {
    this.#remote = config;
    this.#apply();
  }

  /** Once a second while something is played. */
  observe(observation: GuardObservation, moved: MovedBytes): void {
    this.#moved = moved;
    const { level } = this.#guard.decision;
    if (this.#options.usesGuard && this.#viewerAllows) {
      const decision = this.#guard.observe(observation);
      if (decision.level !== level) this.#options.onGuard(decision);
    }
    this.#observationCount += 1;
    const isNew = this.#guard.decision.level !== level;
    if (isNew || this.#observationCount % observationsPerRatio === 0) this.#apply();
  }

  close(): void {
    this.#peers = null;
    this.#device.close();
  }

  get #isHeldOut(): boolean {
    return isHeldOut(this.#options.session, this.#remote.p2pShare ?? this.#options.p2pShare);
  }

  get #offBecause(): PeersOffReason | null {
    if (!this.#options.canConnect) return 'unsupported';
    if (!this.#viewerAllows) return 'viewer';
    if (!this.#remote.p2p) return 'operator';
    if (this.#isHeldOut) return 'held-out';
    return this.#guard.decision.level === 'off' ? 'guard' : null;
  }

  /** Delivery takes only what is new of this. */
  #apply(): void {
    const { uploadedBytes, cdnBytes, peerBytes } = this.#moved;
    const { maxUploadRatio, minViewers } = this.#options;
    this.#upload = uploadAllowance(
      this.#device.conditions,
      { uploadLimitBps: this.#uploadLimitBps, maxUploadRatio },
      { uploadedBytes, downloadedBytes: cdnBytes + peerBytes },
      this.#upload.reason === 'ratio',
    );
    const peers = this.#peers;
    if (!peers) return;
    peers.configurePeers({
      canUpload: this.#upload.canUpload,
      uploadLimitBps: this.#upload.limitBps,
      isCareful: this.#guard.decision.level !== 'full',
      minViewers: this.#remote.minViewers ?? minViewers,
    });
    peers.allowPeers(this.#offBecause === null);
  }

  /** The stricter of the page's and the operator's. */
  get #uploadLimitBps(): number | null {
    const own = this.#options.uploadLimitBps;
    const remote = this.#remote.uploadLimitBps;
    if (own === null || remote === null) return own ?? remote;
    return Math.min(own, remote);
  }
}
