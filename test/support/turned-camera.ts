// A phone in a desktop browser: pictures of a camera that is turned with it, each with the word how it
// has to be turned to be looked at. Put in the place of the page's camera.

import type { Page } from 'playwright-core';

/** What is not in the types of the DOM yet. */
interface TrackGenerator extends MediaStreamTrack {
  readonly writable: WritableStream<VideoFrame>;
}

declare global {
  interface Window {
    /** By how much the pictures have to be turned, clockwise and in degrees. */
    cameraRotation?: number;
  }
}

/** Turns the camera that `replaceCamera` has put in. */
export async function turnCamera(page: Page, degrees: number): Promise<void> {
  await page.evaluate((rotation) => {
    window.cameraRotation = rotation;
  }, degrees);
}

/**
 * From now on `getUserMedia` gives a camera of 320 by 180, red on its left and blue on its right.
 * Turned by 90° it is looked at as 180 by 320, with red above blue.
 */
export async function replaceCamera(page: Page): Promise<void> {
  await page.evaluate(() => {
    const canvas = new OffscreenCanvas(320, 180);
    const context = canvas.getContext('2d');
    const Generator = Reflect.get(window, 'MediaStreamTrackGenerator') as new (options: {
      kind: string;
    }) => TrackGenerator;
    const generator = new Generator({ kind: 'video' });
    const writer = generator.writable.getWriter();
    const next = (): VideoFrame => {
      if (context === null) throw new Error('there is no canvas');
      context.fillStyle = '#e00000';
      context.fillRect(0, 0, 160, 180);
      context.fillStyle = '#0000e0';
      context.fillRect(160, 0, 160, 180);
      const rotation = window.cameraRotation ?? 0;
      const init = { timestamp: Math.round(performance.now() * 1_000), rotation };
      return new VideoFrame(canvas, init);
    };
    setInterval(() => void writer.write(next()), 33);
    navigator.mediaDevices.getUserMedia = async () => new MediaStream([generator]);
  });
}
