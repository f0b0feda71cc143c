// Reads a WHIP offer (RFC 9725 §4.2 and §4.4): what ingest will receive, or why it cannot. The
// endpoint rejects by what this throws; the session answers the offer as filtered here.

import { IngestError } from '../errors.ts';
import type { TrackDescription } from '../rtp/receiver.ts';
import { chooseCodec } from './codec-choice.ts';
import { filterOffer, transportSequenceUri } from './offer-filter.ts';
import {
  attributes,
  inheritedAttribute,
  type MediaSection,
  parseSdp,
  type SdpDocument,
} from './sdp-document.ts';

export interface WhipOffer {
  /** The offer with nothing left that ingest would not use. */
  readonly filtered: SdpDocument;
  readonly tracks: readonly TrackDescription[];
  readonly transportSequenceExtensionId: number | null;
  /** `a=ice-ufrag` of the bundle: fragments with another one ask for an ICE restart. */
  readonly iceUsernameFragment: string;
  /** Those that can be used, without `a=`. */
  readonly candidates: readonly string[];
  /** `a=mid` of the first media section, for candidates that name none. */
  readonly firstMid: string;
}

const directions = ['sendonly', 'sendrecv', 'recvonly', 'inactive'];

/**
 * @throws IngestError `offer-invalid` when the text is no usable session description, and
 *   `offer-not-supported` when it asks for what WHIP or this server does not do
 */
export function parseWhipOffer(text: string): WhipOffer {
  const document = parseSdp(text);
  const [first] = document.media;
  if (first === undefined) {
    throw new IngestError('offer-invalid', 'The offer has no media section.');
  }
  for (const section of document.media) checkTransport(document, section);
  checkBundle(document);
  checkOneTrackPerKind(document);
  const choices = document.media.map((section) => {
    const choice = chooseCodec(section);
    if (choice !== null) return choice;
    const wanted =
      section.kind === 'video' ? 'H.264 (packetization-mode=1), VP8, VP9 or AV1' : 'Opus';
    throw new IngestError('offer-not-supported', `Offer ${wanted} for ${section.kind}.`);
  });
  const tracks = document.media.map((section, index): TrackDescription => {
    const choice = choices[index];
    if (choice === undefined) throw new RangeError('every media section has a choice');
    const { codec, payloadType, retransmissionPayloadType, clockRateHz, feedback } = choice;
    return {
      kind: section.kind === 'video' ? 'video' : 'audio',
      codec,
      payloadType,
      retransmissionPayloadType,
      clockRateHz,
      canRequestRetransmission: feedback.includes('nack'),
    };
  });
  const filtered = filterOffer(document, choices);
  return {
    filtered,
    candidates: filtered.media.flatMap(({ lines }) =>
      attributes(lines, 'candidate').map((candidate) => `candidate:${candidate}`),
    ),
    tracks,
    transportSequenceExtensionId: transportSequenceExtensionOf(document),
    iceUsernameFragment: inheritedAttribute(document, first, 'ice-ufrag') ?? '',
    firstMid: attributes(first.lines, 'mid')[0] ?? '0',
  };
}

/** What libdatachannel needs to connect at all, and what WHIP asks of every section. */
function checkTransport(document: SdpDocument, section: MediaSection): void {
  for (const name of ['ice-ufrag', 'ice-pwd', 'fingerprint']) {
    if (!inheritedAttribute(document, section, name)) {
      throw new IngestError('offer-invalid', `The offer lacks a=${name}.`);
    }
  }
  if (section.kind !== 'audio' && section.kind !== 'video') {
    throw new IngestError('offer-not-supported', 'Offer audio and video only.');
  }
  if (!/^(UDP|TCP)\/TLS\/RTP\/SAVPF?$/.test(section.protocol)) {
    throw new IngestError('offer-not-supported', 'Offer media over DTLS-SRTP.');
  }
  // RFC 9725 §4.4.1: multiplexing of RTP and RTCP is mandatory.
  if (attributes(section.lines, 'rtcp-mux').length === 0) {
    throw new IngestError('offer-not-supported', 'Offer a=rtcp-mux in every media section.');
  }
  const direction = directionOf(document, section);
  if (direction !== 'sendonly' && direction !== 'sendrecv') {
    throw new IngestError('offer-not-supported', 'Offer every track as sendonly.');
  }
}

function directionOf(document: SdpDocument, section: MediaSection): string {
  const named = (lines: readonly string[]): string | undefined =>
    directions.find((direction) => attributes(lines, direction).length > 0);
  // RFC 8866 §6.7: sendrecv is the default.
  return named(section.lines) ?? named(document.sessionLines) ?? 'sendrecv';
}

/** RFC 9725 §4.4.1: max-bundle. A single section has nothing to be bundled with. */
function checkBundle(document: SdpDocument): void {
  if (document.media.length === 1) return;
  const groups = attributes(document.sessionLines, 'group').map((group) => group.split(' '));
  const bundled = new Set(groups.find(([semantics]) => semantics === 'BUNDLE')?.slice(1));
  const isBundled = document.media.every((section) => {
    const mid = attributes(section.lines, 'mid')[0];
    return mid !== undefined && bundled.has(mid);
  });
  if (!isBundled) {
    throw new IngestError('offer-not-supported', 'Bundle all media sections (a=group:BUNDLE).');
  }
}

/** RFC 9725 §4.4.2: one MediaStream with at most one track per kind. */
function checkOneTrackPerKind(document: SdpDocument): void {
  const kinds = document.media.map(({ kind }) => kind);
  if (new Set(kinds).size !== kinds.length) {
    throw new IngestError('offer-not-supported', 'Offer at most one track of each kind.');
  }
  const streams = new Set(
    document.media
      .flatMap((section) => attributes(section.lines, 'msid'))
      .map((msid) => msid.split(' ')[0])
      .filter((stream) => stream !== '-'), // "-": a track without a MediaStream
  );
  if (streams.size > 1) {
    throw new IngestError('offer-not-supported', 'Put both tracks into one MediaStream.');
  }
}

function transportSequenceExtensionOf(document: SdpDocument): number | null {
  for (const section of document.media) {
    for (const extension of attributes(section.lines, 'extmap')) {
      const match = /^(\d+)(?:\/\w+)? (\S+)/.exec(extension);
      if (match?.[2] === transportSequenceUri) return Number(match[1]);
    }
  }
  return null;
}
