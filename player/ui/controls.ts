// The control bar of the player, put together from media-chrome's elements. The element imports
// this file when it is first given the attribute `controls`: bare players never load it.

import 'media-chrome/dist/media-controller.js';
import 'media-chrome/dist/media-control-bar.js';
import 'media-chrome/dist/media-play-button.js';
import 'media-chrome/dist/media-mute-button.js';
import 'media-chrome/dist/media-volume-range.js';
import 'media-chrome/dist/media-live-button.js';
import 'media-chrome/dist/media-time-range.js';
import 'media-chrome/dist/media-time-display.js';
import 'media-chrome/dist/media-pip-button.js';
import 'media-chrome/dist/media-fullscreen-button.js';
import 'media-chrome/dist/media-loading-indicator.js';
import 'media-chrome/dist/menu/media-chrome-menu-item.js';
import 'media-chrome/dist/menu/media-rendition-menu.js';
import 'media-chrome/dist/menu/media-rendition-menu-button.js';
import 'media-chrome/dist/menu/media-captions-menu.js';
import 'media-chrome/dist/menu/media-captions-menu-button.js';
import type MediaController from 'media-chrome/dist/media-controller.js';
import { createMediaStore } from 'media-chrome/dist/media-store/media-store.js';
import { controlStyles } from './control-styles.ts';
import { createButton, createElement } from './dom.ts';
import { liveBadgeModel, type Timeline } from './live-edge.ts';
import { type ControlledPlayer, playerRequests } from './media-requests.ts';
import type { PlaybackState } from './playback-state.ts';

export interface ControlsOptions {
  /** The element: media-chrome treats it as the media and makes it full screen. */
  readonly player: HTMLElement & ControlledPlayer;
  readonly onToggleOverlay: () => void;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

export class Controls {
  readonly element: MediaController;
  readonly sheet = new CSSStyleSheet();
  readonly #live: HTMLElement;
  readonly #liveText = createElement('span', { attributes: { slot: 'text' } });
  readonly #overlayButton: HTMLButtonElement;

  constructor({ player, onToggleOverlay }: ControlsOptions) {
    this.sheet.replaceSync(controlStyles);
    this.#live = mediaElement('media-live-button', {}, [
      createElement('span', { className: 'live-dot', attributes: { slot: 'indicator' } }),
      createElement('span', { attributes: { slot: 'spacer' } }),
      this.#liveText,
    ]);
    this.#overlayButton = createButton('delivery-button', '', onToggleOverlay);
    this.#overlayButton.setAttribute('aria-label', 'Who delivers');
    this.#overlayButton.append(deliveryIcon());
    // What media-chrome would keep in the site's storage is not kept.
    const preferences = { nomutedpref: '', novolumepref: '', nosubtitleslangpref: '' };
    this.element = document.createElement('media-controller') as MediaController;
    setAttributes(this.element, { nodefaultstore: '', ...preferences });
    this.element.append(...this.#children());
    this.element.mediaStore = createMediaStore({
      media: player as never,
      fullscreenElement: player,
      documentElement: document,
      requestMap: playerRequests(player),
      options: {
        noAutoSeekToLive: true,
        noMutedPref: true,
        noVolumePref: true,
        noSubtitlesLangPref: true,
      } as never,
    });
    this.element.fullscreenElement = player;
  }

  /** Whether media-chrome's own styles work; known once the element is in the document. */
  get isStyled(): boolean {
    const style = this.element.shadowRoot?.querySelector('style');
    return style?.sheet != null;
  }

  showState(state: PlaybackState): void {
    this.element.dataset.state = state.kind;
  }

  showTimeline(timeline: Timeline): void {
    this.element.dataset.timeline = timeline;
  }

  showOverlay(isShown: boolean): void {
    this.#overlayButton.setAttribute('aria-pressed', String(isShown));
  }

  /** @param behindSeconds distance from the live edge, `null` without one */
  updateLiveDistance(behindSeconds: number | null): void {
    if (behindSeconds === null) return;
    const model = liveBadgeModel(behindSeconds);
    const isAtEdge = model.isAtEdge && !this.element.hasAttribute('mediapaused');
    this.#live.toggleAttribute('data-at-edge', isAtEdge);
    if (this.#liveText.textContent !== model.text) this.#liveText.textContent = model.text;
    // media-chrome writes its own label at every change of state.
    const label = isAtEdge || !model.isAtEdge ? model.label : 'Paused. Jump to live';
    if (this.#live.getAttribute('aria-label') !== label)
      this.#live.setAttribute('aria-label', label);
  }

  #children(): HTMLElement[] {
    return [
      mediaElement('media-loading-indicator', { slot: 'centered-chrome', noautohide: '' }),
      menu('media-captions-menu', 'Captions'),
      menu('media-rendition-menu', 'Quality'),
      createElement('div', {
        className: 'bar-rows',
        children: [
          mediaElement('media-time-range'),
          mediaElement('media-control-bar', {}, [
            mediaElement('media-play-button'),
            mediaElement('media-mute-button'),
            mediaElement('media-volume-range'),
            this.#live,
            mediaElement('media-time-display', { showduration: '', notoggle: '' }),
            createElement('span', { className: 'bar-space' }),
            this.#overlayButton,
            mediaElement('media-captions-menu-button'),
            mediaElement('media-rendition-menu-button'),
            mediaElement('media-pip-button'),
            mediaElement('media-fullscreen-button'),
          ]),
        ],
      }),
    ];
  }
}

function mediaElement(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  children: readonly Node[] = [],
): HTMLElement {
  const element = document.createElement(name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** A menu without the button back to another one, which has no place in the role `menu`. */
function menu(name: string, label: string): HTMLElement {
  const element = mediaElement(name, { hidden: '', anchor: 'auto', 'aria-label': label });
  const back = element.shadowRoot?.querySelector('button[part~="back"]');
  // media-chrome looks for the slot inside it.
  back?.replaceWith(...back.querySelectorAll('slot[name="title"]'));
  return element;
}

function setAttributes(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

/** Three viewers connected to each other. */
function deliveryIcon(): SVGElement {
  const icon = document.createElementNS(svgNamespace, 'svg');
  setAttributes(icon, { viewBox: '0 0 24 24', 'aria-hidden': 'true' });
  const path = document.createElementNS(svgNamespace, 'path');
  const circle = (x: number, y: number): string => `M${x - 3} ${y}a3 3 0 1 0 6 0a3 3 0 1 0-6 0`;
  path.setAttribute(
    'd',
    `${circle(12, 6)}${circle(5.5, 17.5)}${circle(18.5, 17.5)}M10.4 8.6 7 14.9M13.6 8.6l3.4 6.3M8.5 17.5h7`,
  );
  icon.append(path);
  return icon;
}
