// Registers `<shoal-player>` with the browser. `embed.ts` does it at load; a page that imports the
// module calls it itself, so that importing on a server has no effect.

import { ShoalPlayer } from './shoal-player.ts';

export const shoalPlayerTagName = 'shoal-player';

/** Registers the element once; later calls, also from a second script, change nothing. */
export function defineShoalPlayer(): void {
  if (customElements.get(shoalPlayerTagName) === undefined) {
    customElements.define(shoalPlayerTagName, ShoalPlayer);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'shoal-player': ShoalPlayer;
  }
}
