// The button over the picture when the browser's autoplay policy wants a tap first: to hear, or
// to see anything at all. `autoplay.ts` says which.

import { createButton } from './dom.ts';

export type SoundButtonMode = 'play' | 'unmute' | 'hidden';

const texts = { play: 'Tap to play', unmute: 'Tap to unmute' } as const;

export class SoundButton {
  readonly element: HTMLButtonElement;

  constructor(onPress: () => void) {
    this.element = createButton('tap', '', onPress);
    this.element.hidden = true;
  }

  show(mode: SoundButtonMode): void {
    this.element.hidden = mode === 'hidden';
    if (mode === 'hidden') return;
    this.element.textContent = texts[mode];
    this.element.dataset.mode = mode;
  }
}
