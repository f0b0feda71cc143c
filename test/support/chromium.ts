// The Chromium that is installed on the machine, with a fake camera and microphone. Every test in
// a browser starts it here.

import { type Browser, chromium } from 'playwright-core';

const chromiumArguments = [
  '--no-sandbox',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  // Host candidates with addresses: there is no mDNS responder to resolve the names.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  // Several pages at once, none of them in the foreground for long.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-background-networking',
];

export interface ChromiumOptions {
  /** Another way to start Chromium. */
  readonly program?: string;
  readonly arguments?: readonly string[];
}

/** Starts a browser; the caller closes it. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  return await chromium.launch({
    executablePath: options.program ?? process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [...chromiumArguments, ...(options.arguments ?? [])],
  });
}
