// Makes a custom element behave like the video inside its shadow tree: methods, properties and
// events pass through. `shoal-player.ts` builds the player on top of it.

import { createElement } from './dom.ts';

/** Events that a media element fires and this one fires again; none of them bubbles. */
export const mediaEventTypes = [
  'abort',
  'canplay',
  'canplaythrough',
  'durationchange',
  'emptied',
  'encrypted',
  'ended',
  'enterpictureinpicture',
  'error',
  'leavepictureinpicture',
  'loadeddata',
  'loadedmetadata',
  'loadstart',
  'pause',
  'play',
  'playing',
  'progress',
  'ratechange',
  'resize',
  'seeked',
  'seeking',
  'stalled',
  'suspend',
  'timeupdate',
  'volumechange',
  'waiting',
] as const;

/** Attributes that mean the same on the inner video. */
export const forwardedAttributes = [
  'crossorigin',
  'disablepictureinpicture',
  'disableremoteplayback',
  'loop',
  'playsinline',
  'poster',
] as const;

/**
 * On a server there is no HTMLElement: an empty class takes its place, so that a page's code can
 * be imported there. The cast is what makes that possible; nothing constructs the class there.
 */
const ElementBase: typeof HTMLElement =
  globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

export class MediaDelegation extends ElementBase {
  readonly #video: HTMLVideoElement;

  constructor() {
    super();
    this.#video = createElement('video', { attributes: { part: 'video' } });
    for (const type of mediaEventTypes) {
      this.#video.addEventListener(type, () => this.dispatchEvent(new Event(type)));
    }
  }

  /** The video element in the shadow tree. */
  get media(): HTMLVideoElement {
    return this.#video;
  }

  /** Resolves when playback has begun; rejects like `HTMLMediaElement.play()`. */
  play(): Promise<void> {
    return this.#video.play();
  }

  pause(): void {
    this.#video.pause();
  }

  get muted(): boolean {
    return this.#video.muted;
  }
  set muted(muted: boolean) {
    this.#video.muted = muted;
  }

  /** 0…1. */
  get volume(): number {
    return this.#video.volume;
  }
  set volume(volume: number) {
    this.#video.volume = volume;
  }

  /** Seconds. */
  get currentTime(): number {
    return this.#video.currentTime;
  }
  set currentTime(seconds: number) {
    this.#video.currentTime = seconds;
  }

  get src(): string {
    return this.getAttribute('src') ?? '';
  }
  set src(url: string) {
    this.setAttribute('src', url);
  }

  get playbackRate(): number {
    return this.#video.playbackRate;
  }
  set playbackRate(rate: number) {
    this.#video.playbackRate = rate;
  }

  /** Seconds; NaN before metadata, Infinity for unbounded streams. */
  get duration(): number {
    return this.#video.duration;
  }
  get paused(): boolean {
    return this.#video.paused;
  }
  get ended(): boolean {
    return this.#video.ended;
  }
  get seeking(): boolean {
    return this.#video.seeking;
  }
  get readyState(): number {
    return this.#video.readyState;
  }
  get networkState(): number {
    return this.#video.networkState;
  }
  get buffered(): TimeRanges {
    return this.#video.buffered;
  }
  get seekable(): TimeRanges {
    return this.#video.seekable;
  }
  get played(): TimeRanges {
    return this.#video.played;
  }
  get error(): MediaError | null {
    return this.#video.error;
  }
  get currentSrc(): string {
    return this.#video.currentSrc;
  }
  get videoWidth(): number {
    return this.#video.videoWidth;
  }
  get videoHeight(): number {
    return this.#video.videoHeight;
  }
  get textTracks(): TextTrackList {
    return this.#video.textTracks;
  }

  get loop(): boolean {
    return this.hasAttribute('loop');
  }
  set loop(loop: boolean) {
    this.toggleAttribute('loop', loop);
  }
  get controls(): boolean {
    return this.hasAttribute('controls');
  }
  set controls(controls: boolean) {
    this.toggleAttribute('controls', controls);
  }
  get autoplay(): boolean {
    return this.hasAttribute('autoplay');
  }
  set autoplay(autoplay: boolean) {
    this.toggleAttribute('autoplay', autoplay);
  }
  get defaultMuted(): boolean {
    return this.hasAttribute('muted');
  }
  set defaultMuted(muted: boolean) {
    this.toggleAttribute('muted', muted);
  }
  get playsInline(): boolean {
    return this.hasAttribute('playsinline');
  }
  set playsInline(playsInline: boolean) {
    this.toggleAttribute('playsinline', playsInline);
  }
  get preload(): string {
    return this.getAttribute('preload') ?? '';
  }
  set preload(preload: string) {
    this.setAttribute('preload', preload);
  }
  get crossOrigin(): string | null {
    return this.getAttribute('crossorigin');
  }
  set crossOrigin(crossOrigin: string | null) {
    if (crossOrigin === null) this.removeAttribute('crossorigin');
    else this.setAttribute('crossorigin', crossOrigin);
  }
  get disablePictureInPicture(): boolean {
    return this.hasAttribute('disablepictureinpicture');
  }
  set disablePictureInPicture(isDisabled: boolean) {
    this.toggleAttribute('disablepictureinpicture', isDisabled);
  }
  get poster(): string {
    return this.getAttribute('poster') ?? '';
  }
  set poster(url: string) {
    this.setAttribute('poster', url);
  }

  requestPictureInPicture(): Promise<PictureInPictureWindow> {
    return this.#video.requestPictureInPicture();
  }

  /** Full screen on iPhones, where only videos can have it. */
  webkitEnterFullscreen(): void {
    const enter: unknown = Reflect.get(this.#video, 'webkitEnterFullscreen');
    if (typeof enter === 'function') enter.call(this.#video);
  }

  getVideoPlaybackQuality(): VideoPlaybackQuality {
    return this.#video.getVideoPlaybackQuality();
  }

  /** What the browser itself says about a MIME type. */
  canPlayType(type: string): CanPlayTypeResult {
    return this.#video.canPlayType(type);
  }

  /** Copies an attribute to the inner video, absent stays absent. */
  protected forwardAttribute(name: string, value: string | null): void {
    if (value === null) this.#video.removeAttribute(name);
    else this.#video.setAttribute(name, value);
  }
}
