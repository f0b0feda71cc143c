// WHIP offers: a real one of Chromium (recorded from version 156), and what must be refused.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IngestError } from '../../../ingest/errors.ts';
import { formatIceServerLink, parseIceServer } from '../../../ingest/whip/ice-servers.ts';
import { transportOffer } from '../../../ingest/whip/offer-filter.ts';
import { announceAddresses, completeAnswer } from '../../../ingest/whip/sdp-answer.ts';
import { attributes, formatSdp, parseSdp } from '../../../ingest/whip/sdp-document.ts';
import { parseWhipOffer } from '../../../ingest/whip/sdp-offer.ts';

const chromiumOffer = readFileSync(
  new URL('../../fixtures/chromium-offer.sdp', import.meta.url),
  'utf8',
);

function withoutLines(pattern: RegExp): string {
  return chromiumOffer
    .split('\r\n')
    .filter((line) => !pattern.test(line))
    .join('\r\n');
}

/** Code of the error that the offer is refused with, or `accepted`. */
function outcomeOf(offer: string): string {
  try {
    parseWhipOffer(offer);
    return 'accepted';
  } catch (error) {
    if (error instanceof IngestError) return error.code;
    throw error;
  }
}

/** libdatachannel's answer to the first section. */
const transportAnswer = [
  'v=0',
  'o=rtc 1 0 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=audio 5000 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 127.0.0.1',
  'a=mid:0',
  'a=recvonly',
  'a=rtcp-mux',
  'a=setup:active',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:0123456789012345678901',
  'a=fingerprint:sha-256 AA',
  'a=rtpmap:111 opus/48000/2',
  'a=candidate:1 1 UDP 1 127.0.0.1 5000 typ host',
  'a=end-of-candidates',
  '',
].join('\r\n');

describe('a WHIP offer', () => {
  it('of Chromium gives H.264 constrained baseline with retransmission, and Opus', () => {
    const offer = parseWhipOffer(chromiumOffer);
    expect(offer.tracks).toEqual([
      {
        kind: 'audio',
        codec: 'opus',
        payloadType: 111,
        retransmissionPayloadType: null,
        clockRateHz: 48_000,
        canRequestRetransmission: false,
      },
      {
        kind: 'video',
        codec: 'h264',
        payloadType: 108,
        retransmissionPayloadType: 109,
        clockRateHz: 90_000,
        canRequestRetransmission: true,
        orientationExtensionId: 13,
      },
    ]);
    expect(offer.transportSequenceExtensionId).toBe(3);
  });

  it('is reduced to what ingest uses', () => {
    const filteredSdp = formatSdp(parseWhipOffer(chromiumOffer).filtered);
    const lines = filteredSdp.split('\r\n');
    const beginning = (prefix: string): string[] => lines.filter((line) => line.startsWith(prefix));
    expect(beginning('m=').map((line) => line.replace(/ \d+ UDP/, ' … UDP'))).toEqual([
      'm=audio … UDP/TLS/RTP/SAVPF 111',
      'm=video … UDP/TLS/RTP/SAVPF 108 109',
    ]);
    expect(beginning('a=rtpmap:').map((line) => line.split(' ')[0])).toEqual([
      'a=rtpmap:111',
      'a=rtpmap:108',
      'a=rtpmap:109',
    ]);
    expect(beginning('a=rtcp-fb:')).toEqual([
      'a=rtcp-fb:111 transport-cc',
      'a=rtcp-fb:108 transport-cc',
      'a=rtcp-fb:108 nack',
      'a=rtcp-fb:108 nack pli',
    ]);
    expect(beginning('a=extmap:').map((line) => line.split(' ')[0])).toEqual([
      'a=extmap:3',
      'a=extmap:4',
      'a=extmap:13',
      'a=extmap:3',
      'a=extmap:4',
    ]);
    expect(filteredSdp).not.toMatch(/goog-remb|VP8|VP9|AV1|red|ulpfec/);
    expect(outcomeOf(filteredSdp)).toBe('accepted');
  });

  it('is answered section by section, over the transport of the first', () => {
    const { filtered, tracks } = parseWhipOffer(chromiumOffer);
    expect(tracks[1]?.orientationExtensionId).toBe(13);
    const transport = parseSdp(transportOffer(filtered));
    expect(transport.media.map(({ kind }) => kind)).toEqual(['audio']);
    expect(attributes(transport.sessionLines, 'group')).toEqual(['BUNDLE 0']);
    const answer = parseSdp(completeAnswer(transportAnswer, filtered));
    expect(attributes(answer.sessionLines, 'group')).toEqual(['BUNDLE 0 1']);
    const [audio, video] = answer.media;
    expect(formatSdp({ sessionLines: [], media: audio === undefined ? [] : [audio] })).toBe(
      transportAnswer.slice(transportAnswer.indexOf('m=')),
    );
    expect(video).toMatchObject({ kind: 'video', port: 5000, formats: ['108', '109'] });
    const lines = video?.lines ?? [];
    for (const line of [
      'a=mid:1',
      'a=recvonly',
      'a=rtcp-mux',
      'a=setup:active',
      'a=ice-ufrag:abcd',
    ]) {
      expect(lines.filter((found) => found === line)).toEqual([line]);
    }
    expect(attributes(lines, 'rtpmap')).toEqual(['108 H264/90000', '109 rtx/90000']);
    expect(lines.join()).not.toMatch(/candidate|sendonly|ssrc|msid/);
    expect(attributes(lines, 'extmap')).toContain('13 urn:3gpp:video-orientation');
  });

  it('falls back to VP8, VP9 and AV1 when what is better is missing or cannot be fragmented', () => {
    const vp8Only = withoutLines(/^a=rtpmap:\d+ H264/);
    expect(parseWhipOffer(vp8Only).tracks[1]).toMatchObject({
      codec: 'vp8',
      payloadType: 96,
      retransmissionPayloadType: 97,
    });
    const vp9 = parseWhipOffer(withoutLines(/^a=rtpmap:\d+ (H264|VP8)/));
    expect(vp9.tracks[1]).toMatchObject({
      codec: 'vp9',
      payloadType: 98,
      retransmissionPayloadType: 99,
    });
    const av1 = parseWhipOffer(withoutLines(/^a=rtpmap:\d+ (H264|VP8|VP9)/));
    expect(av1.tracks[1]).toMatchObject({
      codec: 'av1',
      payloadType: 45,
      retransmissionPayloadType: 46,
    });
    const singleUnitsOnly = chromiumOffer.replaceAll(
      'packetization-mode=1',
      'packetization-mode=0',
    );
    expect(parseWhipOffer(singleUnitsOnly).tracks[1]?.codec).toBe('vp8');
  });

  it('may have one kind of media only, and then needs no bundle', () => {
    const audioOnly = chromiumOffer.slice(0, chromiumOffer.indexOf('m=video'));
    const offer = parseWhipOffer(audioOnly.replace(/a=group:BUNDLE.*\r\n/, ''));
    expect(offer.tracks.map(({ kind }) => kind)).toEqual(['audio']);
  });

  describe('with simulcast', () => {
    const simulcastOffer = (lines: readonly string[]) =>
      chromiumOffer.replace(
        /(m=video[\s\S]*?)(a=mid:1)/,
        [
          '$1a=extmap:12 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
          'a=extmap:13 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
          ...lines,
          '$2',
        ].join('\r\n'),
      );
    const layers = ['a=rid:f send', 'a=rid:h send', 'a=rid:q send', 'a=simulcast:send f,q;~h'];

    it('takes every layer, of alternatives the first', () => {
      const offer = parseWhipOffer(simulcastOffer(layers));
      expect(offer.rids).toEqual(['f', 'h']);
      expect(offer.tracks.find(({ kind }) => kind === 'video')?.simulcast).toEqual({
        rids: ['f', 'h'],
        streamIdExtensionId: 12,
        repairedStreamIdExtensionId: 13,
      });
      const answer = parseSdp(completeAnswer(transportAnswer, offer.filtered, offer.rids));
      const video = answer.media.find(({ kind }) => kind === 'video');
      expect(video?.lines).toEqual(
        expect.arrayContaining(['a=rid:f recv', 'a=rid:h recv', 'a=simulcast:recv f;h']),
      );
      expect(video?.lines.join()).not.toContain('send');
    });

    it.each([
      ['of one layer', ['a=rid:f send', 'a=simulcast:send f']],
      ['of layers that are not declared', ['a=rid:f send', 'a=simulcast:send f;h']],
      ['that it wants to receive', ['a=rid:f recv', 'a=rid:h recv', 'a=simulcast:recv f;h']],
    ])('does not answer one %s', (_, lines) => {
      expect(parseWhipOffer(simulcastOffer(lines)).rids).toEqual([]);
    });
  });

  it('loses candidates that cannot be used, and what libdatachannel must not see', () => {
    const offer = chromiumOffer.replace(
      /(m=video[\s\S]*?)(a=mid:1)/,
      [
        '$1a=candidate:1 1 udp 2113937151 11111111-2222-3333-4444-555555555555.local 5000 typ host',
        'a=candidate:2 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active',
        'a=rid:h send',
        'a=simulcast:send h',
        '$2',
      ].join('\r\n'),
    );
    const filteredSdp = formatSdp(parseWhipOffer(offer).filtered);
    expect(filteredSdp).not.toMatch(/\.local|tcptype|a=rid|a=simulcast/);
    expect(filteredSdp).toContain('192.0.2.2 42747 typ host');
  });

  it.each([
    ['no SDP at all', 'hello', 'offer-invalid'],
    ['an empty text', '', 'offer-invalid'],
    ['no media', chromiumOffer.slice(0, chromiumOffer.indexOf('m=audio')), 'offer-invalid'],
    ['no ICE credentials', withoutLines(/^a=ice-ufrag/), 'offer-invalid'],
    ['no fingerprint', withoutLines(/^a=fingerprint/), 'offer-invalid'],
    ['a line that is none', `${chromiumOffer}what is this\r\n`, 'offer-invalid'],
    ['too much text', `${chromiumOffer}${'a=x:y\r\n'.repeat(10_000)}`, 'offer-invalid'],
    ['no rtcp-mux', withoutLines(/^a=rtcp-mux/), 'offer-not-supported'],
    ['no bundle', withoutLines(/^a=group:BUNDLE/), 'offer-not-supported'],
    ['only reception', chromiumOffer.replaceAll('a=sendonly', 'a=recvonly'), 'offer-not-supported'],
    ['no media now', chromiumOffer.replaceAll('a=sendonly', 'a=inactive'), 'offer-not-supported'],
    [
      'unknown video codecs',
      withoutLines(/^a=rtpmap:\d+ (H264|VP8|VP9|AV1)/),
      'offer-not-supported',
    ],
    ['no Opus', withoutLines(/^a=rtpmap:\d+ opus/), 'offer-not-supported'],
    [
      'two videos',
      chromiumOffer.replace('m=audio', 'm=video').replace('111 opus/48000/2', '111 VP8/90000'),
      'offer-not-supported',
    ],
    [
      'a data channel',
      chromiumOffer.replace(/m=audio \d+ \S+/, 'm=application 9 UDP/DTLS/SCTP'),
      'offer-not-supported',
    ],
    [
      'two media streams',
      chromiumOffer.replace('a=msid:-', 'a=msid:one').replace('a=msid:- f', 'a=msid:two f'),
      'offer-not-supported',
    ],
  ])('is refused with %s', (_what, offer, code) => {
    expect(outcomeOf(offer)).toBe(code);
  });

  it('is accepted when it both sends and receives', () => {
    expect(outcomeOf(chromiumOffer.replaceAll('a=sendonly', 'a=sendrecv'))).toBe('accepted');
    expect(outcomeOf(withoutLines(/^a=sendonly/))).toBe('accepted');
  });

  it('is accepted or refused in our words, however it is mangled', () => {
    const mutation = fc.record({
      at: fc.nat({ max: chromiumOffer.length - 1 }),
      text: fc.string({ maxLength: 4 }),
      removed: fc.nat({ max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (mutations) => {
        let offer = chromiumOffer;
        for (const { at, text, removed } of mutations) {
          offer = offer.slice(0, at) + text + offer.slice(at + removed);
        }
        expect(['accepted', 'offer-invalid', 'offer-not-supported']).toContain(outcomeOf(offer));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the answer', () => {
  const answer = [
    'v=0',
    'a=candidate:1 1 UDP 2114977791 172.17.0.2 50000 typ host',
    'a=candidate:2 1 UDP 2114977535 172.18.0.2 50000 typ host',
    'a=candidate:3 1 UDP 1678769919 198.51.100.7 50000 typ srflx raddr 0.0.0.0 rport 0',
    '',
  ].join('\r\n');

  it('announces the configured addresses in place of the host candidates', () => {
    const announced = announceAddresses(answer, ['203.0.113.5', '2001:db8::5']);
    expect(announced.split('\r\n')).toEqual([
      'v=0',
      'a=candidate:1 1 UDP 2114977791 203.0.113.5 50000 typ host',
      'a=candidate:2 1 UDP 2114977791 2001:db8::5 50000 typ host',
      'a=candidate:3 1 UDP 1678769919 198.51.100.7 50000 typ srflx raddr 0.0.0.0 rport 0',
      '',
    ]);
  });

  it('stays as it is when none are configured', () => {
    expect(announceAddresses(answer, [])).toBe(answer);
  });
});

describe('ICE servers', () => {
  it('become Link headers with quoted credentials', () => {
    const turn = parseIceServer('turn:user:p"w@turn.example:3478');
    expect(turn && formatIceServerLink(turn)).toBe(
      '<turn:turn.example:3478>; rel="ice-server"; username="user"; credential="p\\"w"; credential-type="password"',
    );
    const stun = parseIceServer('stun:stun.example:3478');
    expect(stun && formatIceServerLink(stun)).toBe('<stun:stun.example:3478>; rel="ice-server"');
    expect(parseIceServer('http://example')).toBeNull();
  });
});
