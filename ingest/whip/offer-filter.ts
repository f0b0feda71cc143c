// Reduces an offer to what ingest uses, before libdatachannel sees it: that library would accept
// every codec and feedback it is offered and then serve none of them. Pure; the answer follows.

import type { CodecChoice } from './codec-choice.ts';
import { isUsableCandidate, maxCandidates } from './ice-candidate.ts';
import { attributes, formatSdp, type MediaSection, type SdpDocument } from './sdp-document.ts';

/** draft-holmer-rmcat-transport-wide-cc-extensions-01. */
export const transportSequenceUri =
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
/** RFC 8852: the layer of a simulcast that a packet belongs to, or repairs. */
export const streamIdUri = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
export const repairedStreamIdUri = 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id';
const layerExtensions: readonly string[] = [streamIdUri, repairedStreamIdUri];
/** 3GPP TS 26.114 §6.2.3.3: how a picture has to be turned. */
export const videoOrientationUri = 'urn:3gpp:video-orientation';
const keptExtensions = new Set([
  ...[transportSequenceUri, videoOrientationUri],
  'urn:ietf:params:rtp-hdrext:sdes:mid',
]);
/** What the receiver core really sends. */
const keptFeedback = new Set(['nack', 'nack pli', 'transport-cc']);
/** The layers of a simulcast are answered by `sdp-answer.ts`; libdatachannel must not see them. */
const droppedAttributes = /^a=(?:simulcast|rid|rtcp-xr|extmap-allow-mixed)\b/;

/**
 * @param choices the codec chosen for each media section, in order
 * @param keepsLayers whether packets are to say which layer of a simulcast they belong to
 */
export function filterOffer(
  document: SdpDocument,
  choices: readonly CodecChoice[],
  keepsLayers = false,
): SdpDocument {
  return {
    sessionLines: document.sessionLines.filter(isUsable),
    media: document.media.map((section, index) => {
      const choice = choices[index];
      return choice === undefined ? section : filterSection(section, choice, keepsLayers);
    }),
  };
}

/**
 * The offer with its first section alone, which carries the transport of the bundle.
 * libdatachannel gives a packet to the section that announced its SSRC; simulcast offers announce
 * none, and their video would be lost. With one section it gives everything to that. Candidates
 * are left out: the session adds them when the publisher has had the time to read the answer.
 */
export function transportOffer(offer: SdpDocument): string {
  const [first] = offer.media;
  if (first === undefined) throw new RangeError('an offer has a media section');
  const mid = attributes(first.lines, 'mid')[0] ?? '0';
  return formatSdp({
    sessionLines: offer.sessionLines.map((line) =>
      line.startsWith('a=group:BUNDLE') ? `a=group:BUNDLE ${mid}` : line,
    ),
    media: [{ ...first, lines: first.lines.filter((line) => !isCandidateLine(line)) }],
  });
}

function isCandidateLine(line: string): boolean {
  return line.startsWith('a=candidate:') || line === 'a=end-of-candidates';
}

function filterSection(
  section: MediaSection,
  choice: CodecChoice,
  keepsLayers: boolean,
): MediaSection {
  const kept = [choice.payloadType, choice.retransmissionPayloadType].filter(
    (payloadType) => payloadType !== null,
  );
  let candidates = 0;
  const lines = section.lines.filter((line) => {
    const codecLine = /^a=(rtpmap|fmtp|rtcp-fb):(\d+|\*) ?(.*)$/.exec(line);
    if (codecLine !== null) {
      const [, attribute, payloadType = '', value = ''] = codecLine;
      if (attribute === 'rtcp-fb' && !keptFeedback.has(value.trim())) return false;
      return payloadType === '*' || kept.includes(Number(payloadType));
    }
    if (line.startsWith('a=candidate:')) {
      candidates += 1;
      return candidates <= maxCandidates && isUsableCandidate(line.slice('a='.length));
    }
    return isUsable(line) || (keepsLayers && layerExtensions.includes(extensionUri(line)));
  });
  return { ...section, formats: kept.map(String), lines };
}

/** Empty for lines that are about something else. */
function extensionUri(line: string): string {
  return /^a=extmap:\d+(?:\/\w+)? (\S+)/.exec(line)?.[1] ?? '';
}

function isUsable(line: string): boolean {
  const uri = extensionUri(line);
  if (uri !== '') return keptExtensions.has(uri);
  return !droppedAttributes.test(line);
}
