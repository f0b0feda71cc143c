// The fields, buttons and sentences of the page to broadcast from.
// `broadcast-page.ts` hears what was pressed and says what to show.

import { type BroadcastState, stateSentences } from './broadcast-state.ts';
import type { CaptureChoice, PictureSource } from './capture.ts';
import { fillLinks, type PageConfig } from './page-config.ts';
import { pageElement } from './page-element.ts';
import { shareTargets } from './share-links.ts';
import type { Prefill } from './stream-key.ts';

export interface BroadcastFormEvents {
  readonly onSource: (source: PictureSource) => void;
  readonly onDevice: () => void;
  readonly onStart: () => void;
  readonly onStop: () => void;
}

const copiedNoticeMs = 2_000;

export class BroadcastForm {
  readonly #form = pageElement('form', HTMLFormElement);
  readonly #camera = pageElement('camera', HTMLButtonElement);
  readonly #screen = pageElement('screen', HTMLButtonElement);
  readonly #cameraField = pageElement('camera-field', HTMLElement);
  readonly #cameraDevice = pageElement('camera-device', HTMLSelectElement);
  readonly #microphone = pageElement('microphone', HTMLSelectElement);
  readonly #stream = pageElement('stream', HTMLInputElement);
  readonly #key = pageElement('key', HTMLInputElement);
  readonly #start = pageElement('start', HTMLButtonElement);
  readonly #stop = pageElement('stop', HTMLButtonElement);
  readonly #state = pageElement('state', HTMLElement);
  readonly #sent = pageElement('sent', HTMLElement);
  readonly #preview = pageElement('preview', HTMLVideoElement);
  readonly #previewEmpty = pageElement('preview-empty', HTMLElement);
  readonly #snippet = pageElement('snippet', HTMLElement);
  readonly #copy = pageElement('copy', HTMLButtonElement);
  readonly #config: PageConfig;

  constructor(config: PageConfig, prefill: Prefill, events: BroadcastFormEvents) {
    this.#config = config;
    this.#stream.value = prefill.stream ?? config.stream;
    this.#key.value = prefill.key ?? '';
    this.#camera.addEventListener('click', () => events.onSource('camera'));
    this.#screen.addEventListener('click', () => events.onSource('screen'));
    this.#cameraDevice.addEventListener('change', events.onDevice);
    this.#microphone.addEventListener('change', events.onDevice);
    this.#stop.addEventListener('click', events.onStop);
    this.#stream.addEventListener('input', () => this.#fillShare());
    this.#copy.addEventListener('click', () => void this.#copySnippet());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#form.reportValidity()) events.onStart();
    });
    this.#fillShare();
  }

  get devices(): Pick<CaptureChoice, 'cameraId' | 'microphone'> {
    return {
      cameraId: this.#cameraDevice.value || null,
      microphone: this.#microphone.value,
    };
  }

  get target(): { readonly stream: string; readonly key: string } {
    return { stream: this.#stream.value, key: this.#key.value };
  }

  preview(media: MediaStream | null, source: PictureSource | null): void {
    this.#preview.srcObject = media;
    this.#previewEmpty.hidden = media !== null;
    this.#camera.setAttribute('aria-pressed', String(source === 'camera'));
    this.#screen.setAttribute('aria-pressed', String(source === 'screen'));
    this.#cameraField.hidden = source !== 'camera' || this.#cameraDevice.options.length < 2;
  }

  /** Offers the devices by name and marks those in use; the choices stay where they are. */
  listDevices(
    cameras: readonly MediaDeviceInfo[],
    microphones: readonly MediaDeviceInfo[],
    media: MediaStream,
  ): void {
    const cameraId = media.getVideoTracks()[0]?.getSettings().deviceId ?? '';
    this.#cameraDevice.replaceChildren(...cameras.map(deviceOption));
    if (cameras.some(({ deviceId }) => deviceId === cameraId)) this.#cameraDevice.value = cameraId;
    else this.#cameraDevice.selectedIndex = -1;
    const isCamera = this.#camera.getAttribute('aria-pressed') === 'true';
    this.#cameraField.hidden = !isCamera || cameras.length < 2;
    const chosen = this.#microphone.value;
    this.#microphone.replaceChildren(
      new Option('Microphone', 'default'),
      ...microphones.filter(({ deviceId }) => deviceId !== 'default').map(deviceOption),
      new Option('No microphone', 'none'),
    );
    this.#microphone.value = chosen;
    if (this.#microphone.selectedIndex < 0) this.#microphone.value = 'default';
  }

  showState(state: Exclude<BroadcastState, 'error'>): void {
    this.#setState(state, stateSentences[state]);
  }

  showFailure(sentence: string): void {
    this.#setState('error', sentence);
  }

  /** @param text empty hides the line */
  showSending(text: string): void {
    this.#sent.textContent = text;
    this.#sent.hidden = text === '';
  }

  #setState(state: BroadcastState, sentence: string): void {
    const isUnderWay = state === 'connecting' || state === 'live';
    const hadFocus =
      document.activeElement === this.#start || document.activeElement === this.#stop;
    this.#state.dataset.state = state;
    this.#state.textContent = sentence;
    this.#start.hidden = isUnderWay;
    this.#stop.hidden = !isUnderWay;
    this.#stop.textContent = state === 'connecting' ? 'Cancel' : 'Stop';
    // One of the two buttons is always there: the keyboard stays on it.
    if (hadFocus) (isUnderWay ? this.#stop : this.#start).focus();
    const inputs = [this.#stream, this.#key, this.#microphone, this.#cameraDevice];
    for (const field of [...inputs, this.#camera, this.#screen]) field.disabled = isUnderWay;
    if (!isUnderWay) this.showSending('');
  }

  #fillShare(): void {
    const stream = this.#stream.validity.valid ? this.#stream.value : this.#config.stream;
    const { tracker, integrityKey } = this.#config;
    const { watchUrl, snippet } = shareTargets(location.origin, stream, tracker, integrityKey);
    fillLinks({ watch: watchUrl, dashboard: this.#config.dashboard });
    this.#snippet.textContent = snippet;
  }

  async #copySnippet(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#snippet.textContent);
      this.#copy.textContent = 'Copied';
    } catch {
      // No clipboard on pages without TLS: mark the text, so that one key press copies it.
      getSelection()?.selectAllChildren(this.#snippet);
      this.#copy.textContent = 'Press Ctrl+C';
    }
    setTimeout(() => {
      this.#copy.textContent = 'Copy';
    }, copiedNoticeMs);
  }
}

function deviceOption({ label, deviceId }: MediaDeviceInfo): HTMLOptionElement {
  return new Option(label || 'Unnamed device', deviceId);
}
