// A real Chromium that publishes its fake camera and microphone over WHIP, from a page of the
// server under test. Integration tests drive it like a person would: start, look, stop.

import { type Browser, chromium, type Page } from 'playwright-core';

export interface PublishOptions {
  readonly endpoint: string;
  readonly key: string;
  /** `null` sends sound alone. */
  readonly codec: 'h264' | 'vp8' | 'vp9' | 'av1' | null;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly hasAudio?: boolean;
  /** Offers the picture in three sizes, the whole one first. */
  readonly isSimulcast?: boolean;
}

export interface PublishResult {
  readonly status: number;
  readonly location: string | null;
  readonly etag: string | null;
}

/** What the browser says about what it sends. */
export interface SenderStatistics {
  readonly connectionState: string;
  /** What the congestion control allows to send. */
  readonly availableBitrateBps: number;
  readonly framesEncoded: number;
  readonly keyframesEncoded: number;
  readonly pliCount: number;
  readonly roundTripMs: number;
}

/** Starts the browser that is installed on the machine. */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
    ],
  });
}

declare global {
  interface Window {
    shoalPublisher?: RTCPeerConnection;
  }
}

/** Publishes from `page`, which must be open on a secure origin. */
export async function publishFrom(page: Page, options: PublishOptions): Promise<PublishResult> {
  return await page.evaluate(async (wanted) => {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: wanted.hasAudio ?? true,
      video:
        wanted.codec === null
          ? false
          : { width: wanted.widthPx, height: wanted.heightPx, frameRate: 30 },
    });
    const connection = new RTCPeerConnection();
    window.shoalPublisher = connection;
    for (const track of stream.getTracks()) {
      const transceiver = connection.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        ...(track.kind === 'video' && wanted.isSimulcast === true
          ? {
              sendEncodings: [
                { rid: 'f' },
                { rid: 'h', scaleResolutionDownBy: 2 },
                { rid: 'q', scaleResolutionDownBy: 4 },
              ],
            }
          : {}),
      });
      if (track.kind !== 'video') continue;
      const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
      transceiver.setCodecPreferences(
        codecs.filter(({ mimeType }) =>
          ['video/rtx', `video/${wanted.codec}`].includes(mimeType.toLowerCase()),
        ),
      );
    }
    await connection.setLocalDescription();
    await new Promise<void>((resolve) => {
      if (connection.iceGatheringState === 'complete') resolve();
      connection.addEventListener('icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') resolve();
      });
    });
    const response = await fetch(wanted.endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${wanted.key}` },
      body: connection.localDescription?.sdp ?? '',
    });
    if (response.status === 201) {
      await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    } else connection.close();
    return {
      status: response.status,
      location: response.headers.get('Location'),
      etag: response.headers.get('ETag'),
    };
  }, options);
}

/** What the page's publisher sends right now, `null` before it exists. */
export async function senderStatistics(page: Page): Promise<SenderStatistics | null> {
  return await page.evaluate(async () => {
    const connection = window.shoalPublisher;
    if (connection === undefined) return null;
    const found = {
      connectionState: connection.connectionState,
      availableBitrateBps: 0,
      framesEncoded: 0,
      keyframesEncoded: 0,
      pliCount: 0,
      roundTripMs: 0,
    };
    for (const report of (await connection.getStats()).values()) {
      if (report.type === 'outbound-rtp' && report.kind === 'video') {
        found.framesEncoded = report.framesEncoded ?? 0;
        found.keyframesEncoded = report.keyFramesEncoded ?? 0;
        found.pliCount = report.pliCount ?? 0;
      }
      // Only the pair in use has the field; `nominated` is not always set on it.
      if (report.type === 'candidate-pair') {
        found.availableBitrateBps ||= report.availableOutgoingBitrate ?? 0;
      }
      if (report.type === 'remote-inbound-rtp' && report.kind === 'video') {
        found.roundTripMs = (report.roundTripTime ?? 0) * 1000;
      }
    }
    return found;
  });
}

/** Stops or resumes the first layer of a simulcast, as a browser does when bandwidth is short. */
export async function activateLargestLayer(page: Page, active: boolean): Promise<void> {
  await page.evaluate(async (isActive) => {
    const senders = window.shoalPublisher?.getSenders() ?? [];
    const sender = senders.find(({ track }) => track?.kind === 'video');
    const parameters = sender?.getParameters();
    const [largest] = parameters?.encodings ?? [];
    if (sender === undefined || parameters === undefined || largest === undefined) {
      throw new Error('there is no simulcast');
    }
    largest.active = isActive;
    await sender.setParameters(parameters);
  }, active);
}
