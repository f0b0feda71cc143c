// The player alone, for an iframe on another site. The page that embeds it may add `?overlay`,
// `?p2p=off` or `?p2p=consent`, `?controls=off`, `?relay-only`, and `?token=` or `?token-url=`.

import { readPageConfig } from './page-config.ts';
import { pageElement } from './page-element.ts';
import { createPlayer } from './player-element.ts';

const config = readPageConfig();
const query = new URLSearchParams(location.search);
const p2p = query.get('p2p');
const token = query.get('token');
const tokenUrl = query.get('token-url');

const player = createPlayer(config, {
  ...(query.has('overlay') ? { overlay: '' } : {}),
  ...(p2p === 'off' || p2p === 'consent' ? { p2p } : {}),
  ...(token === null ? {} : { token }),
  ...(query.has('relay-only') ? { 'relay-only': '' } : {}),
  ...(tokenUrl === null ? {} : { 'token-url': tokenUrl }),
});
if (query.get('controls') === 'off') player.removeAttribute('controls');

document.title = `${config.stream} · Shoal`;
pageElement('title', HTMLElement).textContent = config.stream;
pageElement('player', HTMLElement).append(player);
