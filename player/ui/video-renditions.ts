// The qualities of a video as media-chrome reads them from a media element: a list with a selected
// index and events. The element fills it from its playback; `-1` leaves the choice to the playback.

import type { PlayableRendition } from './playback.ts';

export interface VideoRendition {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** Bits per second; media-chrome's name for it. */
  readonly bitrate: number;
}

/** `addrendition`, `removerendition` and `change` are its events. */
export class VideoRenditionList extends EventTarget {
  readonly #onSelect: (id: string | null) => void;
  #renditions: readonly VideoRendition[] = [];
  #selectedIndex = -1;

  /** @param onSelect somebody chose a rendition by its id, or `null` for automatic */
  constructor(onSelect: (id: string | null) => void) {
    super();
    this.#onSelect = onSelect;
  }

  get length(): number {
    return this.#renditions.length;
  }

  [Symbol.iterator](): Iterator<VideoRendition> {
    return this.#renditions[Symbol.iterator]();
  }

  get selectedIndex(): number {
    return this.#selectedIndex;
  }
  set selectedIndex(index: number) {
    const chosen = this.#renditions[index];
    this.#selectedIndex = chosen === undefined ? -1 : index;
    this.#onSelect(chosen?.id ?? null);
    this.dispatchEvent(new Event('change'));
  }

  /** Takes over what a playback offers; the choice goes back to automatic when that changes. */
  replace(renditions: readonly PlayableRendition[]): void {
    const next = renditions.map(({ id, width, height, bitrateBps }) => ({
      id,
      width,
      height,
      bitrate: bitrateBps,
    }));
    if (JSON.stringify(next) === JSON.stringify(this.#renditions)) return;
    const wasLonger = this.#renditions.length > next.length;
    for (const index of this.#renditions.keys()) Reflect.deleteProperty(this, index);
    this.#renditions = next;
    this.#selectedIndex = -1;
    // media-chrome looks entries up by index.
    for (const [index, value] of next.entries()) {
      Object.defineProperty(this, index, { value, configurable: true, enumerable: true });
    }
    this.dispatchEvent(new Event(wasLonger ? 'removerendition' : 'addrendition'));
  }
}
