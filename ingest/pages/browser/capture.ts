// The picture and the sound that the broadcaster has chosen, as one MediaStream.
// `broadcast-page.ts` previews it and hands it to the WHIP client.

export type PictureSource = 'camera' | 'screen';

export interface CaptureChoice {
  readonly source: PictureSource;
  /** Device id, `null` for the browser's choice. */
  readonly cameraId: string | null;
  /** Device id, `'default'` for the browser's choice, `'none'` for no microphone. */
  readonly microphone: string;
}

/** What the ladder's largest rendition can use; more would only cost upload. */
const size = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };

function microphoneConstraint(microphone: string): MediaTrackConstraints | boolean {
  if (microphone === 'none') return false;
  return microphone === 'default' ? true : { deviceId: { exact: microphone } };
}

/**
 * Asks the browser for the chosen devices. A screen is shared with its own sound where there is
 * one and no microphone was chosen.
 * @throws DOMException as `getUserMedia` and `getDisplayMedia` do, for example `NotAllowedError`
 */
export async function capture(choice: CaptureChoice): Promise<MediaStream> {
  return choice.source === 'camera' ? await captureCamera(choice) : await captureScreen(choice);
}

async function captureCamera(choice: CaptureChoice): Promise<MediaStream> {
  const device = choice.cameraId === null ? {} : { deviceId: { exact: choice.cameraId } };
  const media = await navigator.mediaDevices.getUserMedia({
    video: { ...size, ...device },
    audio: microphoneConstraint(choice.microphone),
  });
  hint(media, 'motion');
  return media;
}

async function captureScreen(choice: CaptureChoice): Promise<MediaStream> {
  const wantsMicrophone = choice.microphone !== 'none';
  const media = await navigator.mediaDevices.getDisplayMedia({
    video: { ...size, width: { ideal: 1920 }, height: { ideal: 1080 } },
    audio: !wantsMicrophone,
  });
  hint(media, 'detail');
  if (!wantsMicrophone) return media;
  try {
    const sound = await navigator.mediaDevices.getUserMedia({
      audio: microphoneConstraint(choice.microphone),
    });
    for (const track of sound.getTracks()) media.addTrack(track);
    return media;
  } catch (cause) {
    stopCapture(media);
    throw cause;
  }
}

/** What the encoder should keep when bits are short: movement or sharp text. */
function hint(media: MediaStream, contentHint: 'motion' | 'detail'): void {
  for (const track of media.getVideoTracks()) track.contentHint = contentHint;
}

/** Turns the devices off. */
export function stopCapture(media: MediaStream | null): void {
  for (const track of media?.getTracks() ?? []) track.stop();
}

/** Cameras and microphones by label; labels are empty before the first permission. */
export async function listDevices(kind: 'videoinput' | 'audioinput'): Promise<MediaDeviceInfo[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === kind && device.deviceId !== '');
}
