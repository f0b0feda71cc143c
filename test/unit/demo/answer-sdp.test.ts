// What the synthetic broadcaster reads from a WHIP answer.

import { describe, expect, it } from 'vitest';
import { acceptedPayloadType } from '../../../infra/demo/answer-sdp.ts';

const answer = [
  'v=0',
  'm=video 9 UDP/TLS/RTP/SAVPF 102 103',
  'a=rtpmap:102 H264/90000',
  'a=fmtp:102 packetization-mode=1',
  'a=rtpmap:103 rtx/90000',
  'm=audio 0 UDP/TLS/RTP/SAVPF 111',
  'a=rtpmap:111 opus/48000/2',
  '',
].join('\r\n');

describe('acceptedPayloadType', () => {
  it('takes the number of the answer, not the one of the offer', () => {
    expect(acceptedPayloadType(answer, 'video', 'h264')).toBe(102);
  });

  it('finds no encoding that the answer leaves out', () => {
    expect(acceptedPayloadType(answer, 'video', 'vp8')).toBeNull();
  });

  it('finds nothing in a rejected section', () => {
    expect(acceptedPayloadType(answer, 'audio', 'opus')).toBeNull();
    expect(acceptedPayloadType(answer.replace('m=audio 0', 'm=audio 9'), 'audio', 'opus')).toBe(
      111,
    );
  });

  it('finds nothing where the section is missing or the text is no SDP', () => {
    expect(acceptedPayloadType('v=0\r\n', 'video', 'h264')).toBeNull();
    expect(acceptedPayloadType('', 'audio', 'opus')).toBeNull();
  });
});
