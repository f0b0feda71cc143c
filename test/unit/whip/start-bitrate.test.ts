// What the answer suggests to begin with, in the parameters of the codec that was chosen.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { completeAnswer, suggestStartBitrate } from '../../../ingest/whip/sdp-answer.ts';
import { attributes, parseSdp } from '../../../ingest/whip/sdp-document.ts';
import { parseWhipOffer } from '../../../ingest/whip/sdp-offer.ts';

const chromiumOffer = readFileSync(
  new URL('../../fixtures/chromium-offer.sdp', import.meta.url),
  'utf8',
);
const transportAnswer = [
  ...['v=0', 'o=rtc 1 0 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0'],
  ...['m=audio 5000 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 127.0.0.1', 'a=mid:0', 'a=recvonly'],
  ...['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1', ''],
].join('\r\n');

function parametersOf(offer: string, maxBitrateBps?: number) {
  const { filtered, rids } = parseWhipOffer(offer);
  const answer = completeAnswer(transportAnswer, filtered, rids);
  const { media } = parseSdp(suggestStartBitrate(answer, maxBitrateBps));
  return media.map(({ lines }) => attributes(lines, 'fmtp'));
}

describe('the bit rate to begin with', () => {
  it('is beside the parameters of the picture alone', () => {
    const [audio, video] = parametersOf(chromiumOffer);
    expect(audio).toEqual(['111 minptime=10;useinbandfec=1']);
    expect(video?.[0]).toMatch(/^108 .*profile-level-id=[0-9a-f]{6};x-google-start-bitrate=2000$/);
    // That of the retransmission stays as it is.
    expect(video?.[1]).toBe('109 apt=108');
  });

  it('stands alone where the codec has no parameters', () => {
    const vp8Only = chromiumOffer
      .split('\r\n')
      .filter((line) => !/^a=rtpmap:\d+ (?:H264|VP9|AV1)/.test(line))
      .join('\r\n');
    expect(parametersOf(vp8Only)[1]).toContain('96 x-google-start-bitrate=2000');
  });

  it('is within what the publisher may send', () => {
    expect(parametersOf(chromiumOffer, 800_000)[1]?.[0]).toMatch(/x-google-start-bitrate=800$/);
  });
});
