// The watch page: a large player, one line about who delivers, and the viewer's own switch.
// The embed script has registered the element by the time this runs: deferred scripts keep order.

import { fillLinks, readPageConfig } from './page-config.ts';
import { pageElement } from './page-element.ts';
import { createPlayer, isSharingPlayer } from './player-element.ts';

const config = readPageConfig();
/** On phones the overlay would hide the picture: there it waits for its button. */
const hasRoom = matchMedia('(min-width: 720px)').matches;
const player = createPlayer(config, hasRoom ? { overlay: '' } : {});
const overlayButton = pageElement('overlay', HTMLButtonElement);
const sharing = pageElement('sharing', HTMLInputElement);

function showOverlayButton(): void {
  const isShown = player.hasAttribute('overlay');
  overlayButton.textContent = isShown ? 'Hide who delivers' : 'Show who delivers';
  overlayButton.setAttribute('aria-pressed', String(isShown));
}

document.title = `${config.stream} · Shoal`;
pageElement('title', HTMLElement).textContent = config.stream;
fillLinks({ dashboard: config.dashboard });

overlayButton.addEventListener('click', () => player.toggleAttribute('overlay'));
// The overlay also goes away by its own button or the `s` key.
new MutationObserver(showOverlayButton).observe(player, { attributeFilter: ['overlay'] });

if (isSharingPlayer(player)) {
  const showSharing = (): void => {
    sharing.checked = player.peerConsent !== 'refused';
  };
  showSharing();
  sharing.addEventListener('change', () => player.allowPeers(sharing.checked));
  // The viewer may also use the switch in the player's overlay.
  player.addEventListener('shoal-consent', showSharing);
} else {
  pageElement('sharing-field', HTMLElement).hidden = true;
  player.textContent = 'The player could not be loaded. Reload the page to try again.';
}
// Without a tracker there is nobody to share with.
if (config.tracker === null) pageElement('sharing-field', HTMLElement).hidden = true;

pageElement('player', HTMLElement).append(player);
showOverlayButton();
