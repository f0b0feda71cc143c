// The Firefox that is installed on the machine, by WebDriver BiDi. Tests in which browsers of two makes
// watch together start it here.

import puppeteer, { type Browser } from 'puppeteer-core';

const preferences = {
  // Two browsers on one machine meet on its loopback addresses, which Firefox leaves out otherwise.
  'media.peerconnection.ice.loopback': true,
  // Host candidates with addresses: there is no mDNS responder to resolve the names.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // No window of it is ever in the foreground.
  'dom.min_background_timeout_value': 4,
  'dom.min_background_timeout_value_without_budget_throttling': 4,
} as const;

/** Starts a browser; the caller closes it. */
export async function launchFirefox(): Promise<Browser> {
  return await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX_PATH ?? '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: preferences,
  });
}
