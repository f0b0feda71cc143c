// The shadow tree of `<shoal-player>`: the video and the views in front of it, put together once.
// The element owns it, feeds it states and figures, and hears what the viewer pressed.

import type { PlayerStats } from '../stats.ts';
import type { PeerConsent } from './consent-memory.ts';
import { ConsentQuestion } from './consent-question.ts';
import type { Controls } from './controls.ts';
import { createElement } from './dom.ts';
import type { Timeline } from './live-edge.ts';
import type { ControlledPlayer } from './media-requests.ts';
import { NoticePanel } from './notice-panel.ts';
import { overlayStyles } from './overlay-styles.ts';
import type { PlaybackState } from './playback-state.ts';
import { SoundButton, type SoundButtonMode } from './sound-button.ts';
import { type SharingState, StatsOverlay } from './stats-overlay.ts';
import { playerStyles } from './styles.ts';

/** What the viewer can press in the tree. */
export interface PlayerTreeEvents {
  readonly onRetry: () => void;
  readonly onTap: () => void;
  readonly onToggleOverlay: () => void;
  readonly onShare: (isWanted: boolean) => void;
  readonly onConsent: (consent: PeerConsent) => void;
}

export class PlayerTree {
  readonly #root: ShadowRoot;
  readonly #video: HTMLVideoElement;
  readonly #events: PlayerTreeEvents;
  readonly #notice: NoticePanel;
  readonly #sound: SoundButton;
  readonly #overlay: StatsOverlay;
  readonly #consent: ConsentQuestion;
  #controls: Controls | null = null;
  #areControlsWanted = false;
  #state: PlaybackState = { kind: 'idle' };
  #timeline: Timeline = 'unknown';

  constructor(root: ShadowRoot, video: HTMLVideoElement, events: PlayerTreeEvents) {
    this.#root = root;
    this.#video = video;
    this.#events = events;
    this.#notice = new NoticePanel(events.onRetry);
    this.#sound = new SoundButton(events.onTap);
    this.#overlay = new StatsOverlay({ onClose: events.onToggleOverlay, onShare: events.onShare });
    this.#consent = new ConsentQuestion(events.onConsent);
    // A constructed sheet also works where the page's policy forbids inline styles.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(playerStyles + overlayStyles);
    root.adoptedStyleSheets = [sheet];
    root.append(
      createElement('div', { attributes: { part: 'frame' }, children: [video] }),
      this.#notice.element,
      this.#consent.element,
      this.#sound.element,
      this.#overlay.element,
    );
  }

  showState(state: PlaybackState): void {
    this.#state = state;
    this.#notice.show(state);
    this.#controls?.showState(state);
  }

  showTimeline(timeline: Timeline): void {
    this.#timeline = timeline;
    this.#controls?.showTimeline(timeline);
  }

  showSoundButton(mode: SoundButtonMode): void {
    this.#sound.show(mode);
  }

  showConsentQuestion(isShown: boolean): void {
    this.#consent.show(isShown);
  }

  showOverlay(isShown: boolean): void {
    this.#overlay.show(isShown);
    this.#controls?.showOverlay(isShown);
  }

  updateStats(stats: PlayerStats, sharing: SharingState): void {
    this.#overlay.update(stats, sharing, performance.now());
  }

  /** @param behindSeconds distance from the live edge, `null` without one */
  updateLiveDistance(behindSeconds: number | null): void {
    this.#controls?.updateLiveDistance(behindSeconds);
  }

  /** Puts the control bar in, or takes it away; it is loaded the first time. */
  async showControls(isWanted: boolean, player: HTMLElement & ControlledPlayer): Promise<void> {
    this.#areControlsWanted = isWanted;
    if (!isWanted) {
      this.#video.controls = false;
      this.#controls?.element.remove();
      return;
    }
    try {
      this.#controls ??= await this.#loadControls(player);
    } catch {
      // The page has lost its server in between: the browser's own controls are better than none.
      this.#video.controls = this.#areControlsWanted;
      return;
    }
    if (!this.#areControlsWanted || this.#root.contains(this.#controls.element)) return;
    this.#root.insertBefore(this.#controls.element, this.#overlay.element);
    this.#controls.showState(this.#state);
    this.#controls.showTimeline(this.#timeline);
    this.#controls.showOverlay(this.#overlay.isShown);
    this.connected();
  }

  /** The element is in the document: only there is it known whether the controls have styles. */
  connected(): void {
    const controls = this.#controls;
    if (controls === null || !controls.element.isConnected || controls.isStyled) return;
    // media-chrome's style elements stay empty under `style-src` without 'unsafe-inline'.
    controls.element.remove();
    this.#video.controls = true;
  }

  close(): void {
    this.#notice.close();
  }

  async #loadControls(player: HTMLElement & ControlledPlayer): Promise<Controls> {
    const { Controls } = await import('./controls.ts');
    // Two calls may have waited for the same import.
    if (this.#controls !== null) return this.#controls;
    const { onToggleOverlay } = this.#events;
    const controls = new Controls({ player, onToggleOverlay });
    this.#root.adoptedStyleSheets = [...this.#root.adoptedStyleSheets, controls.sheet];
    return controls;
  }
}
