// hls.js's levels as the end-checking loader asks for them, and the step down from one that has ended
// while the stream goes on. Created before its hls.js, whose loader it is for.

import type Hls from 'hls.js';
import { pathOf } from '../media-segment.ts';
import type { RenditionEnds } from './end-checking-loader.ts';

export class LevelEnds implements RenditionEnds {
  #hls: Hls | null = null;

  attach(hls: Hls): void {
    this.#hls = hls;
  }

  get hasBeenLive(): boolean {
    return this.#hls?.levels.some(({ details }) => details?.live === true) ?? false;
  }

  below(url: string): readonly string[] {
    const levels = this.#hls?.levels ?? [];
    return levels
      .slice(0, Math.max(0, this.#indexOf(url)))
      .map(({ uri }) => uri)
      .reverse();
  }

  /** Without the level hls.js chooses by itself again, among those that are left. */
  onShed(url: string, goesOnUrl: string): void {
    const hls = this.#hls;
    const [ended, next] = [this.#indexOf(url), this.#indexOf(goesOnUrl)];
    if (!hls || ended < 0 || next < 0) return;
    hls.loadLevel = next;
    hls.removeLevel(ended);
    hls.loadLevel = -1;
  }

  #indexOf(url: string): number {
    const path = pathOf(url);
    return this.#hls?.levels.findIndex(({ uri }) => pathOf(uri) === path) ?? -1;
  }
}
