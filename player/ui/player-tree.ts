// The shadow tree of `<shoal-player>`: the video and the views in front of it, put together once.
// The element owns it, feeds it states and figures, and hears what the viewer pressed.

import type { PlayerStats } from '../stats.ts';
import type { PeerConsent } from './consent-memory.ts';
import { ConsentQuestion } from './consent-question.ts';
import { createElement } from './dom.ts';
import { LiveBadge } from './live-badge.ts';
import { NoticePanel } from './notice-panel.ts';
import { overlayStyles } from './overlay-styles.ts';
import type { PlaybackState } from './playback-state.ts';
import { SoundButton, type SoundButtonMode } from './sound-button.ts';
import { StatsOverlay } from './stats-overlay.ts';
import { playerStyles } from './styles.ts';

/** What the viewer can press in the tree. */
export interface PlayerTreeEvents {
  readonly onRetry: () => void;
  readonly onTap: () => void;
  readonly onJumpToLive: () => void;
  readonly onCloseOverlay: () => void;
  readonly onConsent: (consent: PeerConsent) => void;
}

export class PlayerTree {
  readonly #notice: NoticePanel;
  readonly #sound: SoundButton;
  readonly #badge: LiveBadge;
  readonly #overlay: StatsOverlay;
  readonly #consent: ConsentQuestion;

  constructor(root: ShadowRoot, video: HTMLVideoElement, events: PlayerTreeEvents) {
    this.#notice = new NoticePanel(events.onRetry);
    this.#sound = new SoundButton(events.onTap);
    this.#badge = new LiveBadge(events.onJumpToLive);
    this.#overlay = new StatsOverlay(events.onCloseOverlay);
    this.#consent = new ConsentQuestion(events.onConsent);
    // A constructed sheet also works where the page's policy forbids inline styles.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(playerStyles + overlayStyles);
    root.adoptedStyleSheets = [sheet];
    root.append(
      createElement('div', { attributes: { part: 'frame' }, children: [video] }),
      this.#notice.element,
      this.#consent.element,
      this.#overlay.element,
      this.#badge.element,
      this.#sound.element,
    );
  }

  showState(state: PlaybackState): void {
    this.#notice.show(state);
  }

  showSoundButton(mode: SoundButtonMode): void {
    this.#sound.show(mode);
  }

  showConsentQuestion(isShown: boolean): void {
    this.#consent.show(isShown);
  }

  /** @param stats shown at once when the overlay appears, so that it is never empty */
  showOverlay(isShown: boolean, stats: PlayerStats, peersAllowed: boolean): void {
    this.#overlay.show(isShown);
    this.#overlay.update(stats, peersAllowed);
  }

  updateStats(stats: PlayerStats, peersAllowed: boolean): void {
    this.#overlay.update(stats, peersAllowed);
  }

  /** @param behindSeconds distance from the live edge, `null` without one */
  updateLiveDistance(behindSeconds: number | null): void {
    this.#badge.update(behindSeconds);
  }

  close(): void {
    this.#notice.close();
  }
}
