// The embed script: registers `<shoal-player>` and gives pages the global `Shoal`. Built into
// `shoal.js` with hls.js inside; modules import `index.ts` instead.

import { defineShoalPlayer } from './define-shoal-player.ts';

export { default as Hls } from 'hls.js';
export { createShoalHls, makeShoalHlsClass } from './create-shoal-hls.ts';
export { ShoalPlayer } from './shoal-player.ts';

defineShoalPlayer();
