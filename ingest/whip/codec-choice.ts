// Which of the offered codecs ingest takes: H.264 that every player decodes without re-encoding,
// else VP8, VP9 or AV1, the cheaper to decode the sooner; Opus for sound. Reads one media section, decides nothing about the rest of the offer.

import type { AudioCodec, VideoCodec } from '../rtp/encoded-frame.ts';
import { attributes, type MediaSection } from './sdp-document.ts';

export interface CodecChoice {
  readonly codec: VideoCodec | AudioCodec;
  readonly payloadType: number;
  readonly retransmissionPayloadType: number | null;
  readonly clockRateHz: number;
  /** The offer's `a=rtcp-fb` for it, for example `nack pli`. */
  readonly feedback: readonly string[];
}

interface OfferedCodec {
  readonly payloadType: number;
  readonly name: string;
  readonly clockRateHz: number;
  readonly parameters: string;
}

/** The codec to receive from a video or audio section, or `null` when none is supported. */
export function chooseCodec(section: MediaSection): CodecChoice | null {
  const offered = readOfferedCodecs(section);
  const ranked = offered
    .flatMap((entry) => {
      const rank = section.kind === 'video' ? videoRank(entry) : audioRank(entry);
      return rank === null ? [] : [{ entry, ...rank }];
    })
    .sort((left, right) => left.rank - right.rank); // stable: then the publisher's order
  const best = ranked[0];
  if (best === undefined) return null;
  const { payloadType, clockRateHz } = best.entry;
  const retransmission = offered.find(
    ({ name, parameters }) =>
      name === 'rtx' && new RegExp(`(?:^|;)\\s*apt=${payloadType}(?:;|$)`).test(parameters),
  );
  return {
    codec: best.codec,
    payloadType,
    retransmissionPayloadType: retransmission?.payloadType ?? null,
    clockRateHz,
    feedback: feedbackOf(section, payloadType),
  };
}

function readOfferedCodecs(section: MediaSection): OfferedCodec[] {
  const parameters = new Map<string, string>();
  for (const attribute of attributes(section.lines, 'fmtp')) {
    const match = /^(\d+) (.*)$/.exec(attribute);
    if (match !== null) parameters.set(match[1] ?? '', match[2] ?? '');
  }
  const formats = new Set(section.formats);
  return attributes(section.lines, 'rtpmap').flatMap((attribute) => {
    const match = /^(\d{1,3}) ([^/]+)\/(\d+)/.exec(attribute);
    const [, payloadType = '', name = '', clockRate = ''] = match ?? [];
    if (match === null || Number(payloadType) > 127 || !formats.has(payloadType)) return [];
    return [
      {
        payloadType: Number(payloadType),
        name: name.toLowerCase(),
        clockRateHz: Number(clockRate),
        parameters: parameters.get(payloadType) ?? '',
      },
    ];
  });
}

function videoRank(entry: OfferedCodec): { codec: VideoCodec; rank: number } | null {
  if (entry.clockRateHz !== 90_000) return null;
  if (entry.name === 'vp8') return { codec: 'vp8', rank: 10 };
  // RFC 9628 §6.1: profile 0 is the default, 8 bits and 4:2:0; ours are that in the end.
  if (entry.name === 'vp9')
    return { codec: 'vp9', rank: isProfileZero(entry, 'profile-id') ? 20 : 21 };
  if (entry.name === 'av1')
    return { codec: 'av1', rank: isProfileZero(entry, 'profile') ? 30 : 31 };
  // RFC 6184 §8.1: without the parameter the mode is 0, which cannot fragment.
  if (entry.name !== 'h264' || !/(?:^|;)\s*packetization-mode=1(?:;|$)/.test(entry.parameters)) {
    return null;
  }
  return { codec: 'h264', rank: profileRank(entry.parameters) };
}

/** Whether the parameter is absent, which means 0, or 0. */
function isProfileZero(entry: OfferedCodec, name: string): boolean {
  const match = new RegExp(`(?:^|;)\\s*${name}=(\\d+)`).exec(entry.parameters);
  return match === null || match[1] === '0';
}

/** Constrained baseline, baseline, main, then anything: the earlier, the less can go wrong. */
function profileRank(parameters: string): number {
  const match = /profile-level-id=([0-9a-f]{2})([0-9a-f]{2})[0-9a-f]{2}/i.exec(parameters);
  const profile = match?.[1]?.toLowerCase() ?? '42';
  const isConstrained = (Number.parseInt(match?.[2] ?? '0', 16) & 0x40) !== 0;
  if (profile === '42') return isConstrained ? 0 : 1;
  return profile === '4d' ? 2 : 3;
}

function audioRank(entry: OfferedCodec): { codec: AudioCodec; rank: number } | null {
  return entry.name === 'opus' && entry.clockRateHz === 48_000 ? { codec: 'opus', rank: 0 } : null;
}

function feedbackOf(section: MediaSection, payloadType: number): string[] {
  return attributes(section.lines, 'rtcp-fb').flatMap((attribute) => {
    const match = /^(\d+|\*) (.+)$/.exec(attribute);
    const applies = match !== null && (match[1] === '*' || Number(match[1]) === payloadType);
    return applies ? [(match[2] ?? '').trim()] : [];
  });
}
