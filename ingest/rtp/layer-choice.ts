// Which layer of a simulcast is taken: the largest that comes, the next one when it stops, and the
// largest again when it is back. The receiver tells it of frames and asks which ones to give on.

import type { DepacketizedFrame } from './depacketizer.ts';

/** Bandwidth estimation begins low, and senders begin with their smallest layer: wait for the rest. */
const maxInitialWaitMs = 3_000;
/** A layer without frames for so long has stopped. */
const stoppedAfterMs = 1_000;
/** A larger layer has to come for so long before it is taken: estimates swing at first. */
const steadyForMs = 2_000;

interface Layer {
  /** Picture elements of its last keyframe; 0 before the first. */
  areaPx: number;
  /** Since when frames have come without a stop; `null` before the first. */
  steadySinceMs: number | null;
  lastFrameMs: number;
}

export class LayerChoice {
  readonly #layers: readonly Layer[];
  #firstFrameMs: number | null = null;
  #current: number | null = null;

  constructor(count: number) {
    this.#layers = Array.from({ length: count }, () => ({
      areaPx: 0,
      steadySinceMs: null,
      lastFrameMs: -Infinity,
    }));
  }

  /** `null` before the first frame that is taken. */
  get current(): number | null {
    return this.#current;
  }

  /**
   * Takes note of a frame that can be decoded.
   * @returns whether it is to be given on; `switched` when it is the first of its layer
   */
  take(index: number, frame: DepacketizedFrame, nowMs: number): 'taken' | 'switched' | 'left' {
    const layer = this.#layers[index];
    if (layer === undefined) return 'left';
    if (layer.steadySinceMs === null || nowMs - layer.lastFrameMs > stoppedAfterMs) {
      layer.steadySinceMs = nowMs;
    }
    layer.lastFrameMs = nowMs;
    this.#firstFrameMs ??= nowMs;
    const { configuration } = frame;
    if (configuration !== null) layer.areaPx = configuration.widthPx * configuration.heightPx;
    if (index === this.#current) return 'taken';
    if (!frame.isKeyframe || this.wanted(nowMs) !== index) return 'left';
    this.#current = index;
    return 'switched';
  }

  /** The layer that should be taken now: its keyframes are asked for. `null` while undecided. */
  wanted(nowMs: number): number | null {
    const current = this.#current;
    const isFlowing = (layer: Layer): boolean => nowMs - layer.lastFrameMs <= stoppedAfterMs;
    const flowing = this.#layers.filter((layer) => isFlowing(layer) && layer.areaPx > 0);
    const largest = flowing.toSorted((a, b) => b.areaPx - a.areaPx)[0];
    // When nothing comes, the publisher has stopped, not a layer.
    if (largest === undefined) return current;
    if (current === null) {
      const waitedMs = nowMs - (this.#firstFrameMs ?? nowMs);
      const isDecided = flowing.length === this.#layers.length || waitedMs > maxInitialWaitMs;
      return isDecided ? this.#layers.indexOf(largest) : null;
    }
    const now = this.#layers[current];
    if (now === undefined || !isFlowing(now)) return this.#layers.indexOf(largest);
    const isSteady = nowMs - (largest.steadySinceMs ?? nowMs) >= steadyForMs;
    return largest.areaPx > now.areaPx && isSteady ? this.#layers.indexOf(largest) : current;
  }
}
