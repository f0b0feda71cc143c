// How soon a viewer should announce again: soon while there are peers it has not met, rarely once
// it knows enough. Pure; the swarm asks for every announce.

export interface SwarmSituation {
  /** Everybody in the swarm, the asker included. */
  readonly swarmSize: number;
  /** How often the asker was introduced to somebody. */
  readonly metCount: number;
  /** The interval of a viewer that has what it needs. */
  readonly slowSeconds: number;
}

/** Introductions after which a viewer has enough to choose from; some of them never connect. */
const enoughPeers = 8;

/**
 * A browser makes an RTCPeerConnection per offer and keeps it for most of a minute: announcing more
 * often than this costs viewers more than it brings.
 */
const fastSeconds = 7;

/** Answers differ by up to this share, or a swarm that joined at once would announce at once for ever. */
const jitterShare = 0.15;

/** Whole seconds until the next announce; `random` gives 0…1. */
export function announceIntervalSeconds(situation: SwarmSituation, random: () => number): number {
  const { swarmSize, metCount, slowSeconds } = situation;
  const needsPeers = metCount < Math.min(enoughPeers, swarmSize - 1);
  const base = needsPeers ? Math.min(fastSeconds, slowSeconds) : slowSeconds;
  return Math.max(1, Math.round(base * (1 + jitterShare * (2 * random() - 1))));
}
