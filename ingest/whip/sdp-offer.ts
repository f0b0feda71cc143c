// Reads a WHIP offer (RFC 9725 §4.2 and §4.4): what ingest will receive, or why it cannot. The
// endpoint rejects by what this throws; the session answers the offer as filtered here.

import { IngestError } from '../errors.ts';
import type { TrackDescription } from '../rtp/receiver.ts';
import type { SimulcastDescription } from '../rtp/simulcast-layers.ts';
import { chooseCodec } from './codec-choice.ts';
import {
  filterOffer,
  repairedStreamIdUri,
  streamIdUri,
  transportSequenceUri,
  videoOrientationUri,
} from './offer-filter.ts';
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
  /** `a=rid` identifiers of the layers that are taken; empty without simulcast. */
  readonly rids: readonly string[];
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
  const picture = document.media.find(({ kind }) => kind === 'video');
  const simulcast = picture === undefined ? null : simulcastOf(picture);
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
      ...(section.kind === 'video' && simulcast !== null ? { simulcast } : {}),
      ...(section.kind === 'video' && {
        orientationExtensionId: extensionOf([section], videoOrientationUri),
      }),
    };
  });
  const filtered = filterOffer(document, choices, simulcast !== null);
  return {
    filtered,
    candidates: filtered.media.flatMap(({ lines }) =>
      attributes(lines, 'candidate').map((candidate) => `candidate:${candidate}`),
    ),
    tracks,
    rids: simulcast?.rids ?? [],
    transportSequenceExtensionId: extensionOf(document.media, transportSequenceUri),
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

/** Layers of one picture; a phone offers three. */
const maxLayers = 4;
const ridPattern = /^[A-Za-z0-9_-]{1,16}$/;

/**
 * RFC 8853 §5.1: the streams that the publisher sends at once, the first of each one's alternatives.
 * `null` without simulcast, or when packets would not say which layer they belong to.
 */
function simulcastOf(section: MediaSection): SimulcastDescription | null {
  const sent = /(?:^|\s)send\s+(\S+)/.exec(attributes(section.lines, 'simulcast')[0] ?? '')?.[1];
  const streamIdExtensionId = extensionOf([section], streamIdUri);
  if (sent === undefined || streamIdExtensionId === null) return null;
  const rids = sent.split(';').map((stream) => stream.split(',')[0]?.replace(/^~/, '') ?? '');
  const declared = attributes(section.lines, 'rid').map((rid) => rid.split(' '));
  const isSent = (rid: string): boolean =>
    ridPattern.test(rid) && declared.some(([id, way]) => id === rid && way === 'send');
  if (rids.length < 2 || new Set(rids).size !== rids.length || !rids.every(isSent)) return null;
  const repairedStreamIdExtensionId = extensionOf([section], repairedStreamIdUri);
  return { rids: rids.slice(0, maxLayers), streamIdExtensionId, repairedStreamIdExtensionId };
}

/** Identifier of a header extension, `null` when it is not offered. */
function extensionOf(sections: readonly MediaSection[], uri: string): number | null {
  for (const section of sections) {
    for (const extension of attributes(section.lines, 'extmap')) {
      const match = /^(\d+)(?:\/\w+)? (\S+)/.exec(extension);
      if (match?.[2] === uri) return Number(match[1]);
    }
  }
  return null;
}
