// Reduces an offer to what ingest uses, before libdatachannel sees it: that library would accept
// every codec and feedback it is offered and then serve none of them. Pure; the answer follows.

import type { CodecChoice } from './codec-choice.ts';
import { isUsableCandidate, maxCandidates } from './ice-candidate.ts';
import { attributes, formatSdp, type MediaSection, type SdpDocument } from './sdp-document.ts';

/** draft-holmer-rmcat-transport-wide-cc-extensions-01. */
export const transportSequenceUri =
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const keptExtensions = new Set([transportSequenceUri, 'urn:ietf:params:rtp-hdrext:sdes:mid']);
/** What the receiver core really sends. */
const keptFeedback = new Set(['nack', 'nack pli', 'transport-cc']);
/**
 * Simulcast and layers are for servers that forward; ingest takes one picture, the one that the
 * publisher lists first (RFC 8853 §5.2: the most preferred). What is not kept of extensions is
 * refused too: without `urn:3gpp:video-orientation` phones turn the picture before they send it.
 */
const droppedAttributes = /^a=(?:simulcast|rid|rtcp-xr|extmap-allow-mixed)\b/;

/** @param choices the codec chosen for each media section, in order */
export function filterOffer(document: SdpDocument, choices: readonly CodecChoice[]): SdpDocument {
  return {
    sessionLines: document.sessionLines.filter(isUsable),
    media: document.media.map((section, index) => {
      const choice = choices[index];
      return choice === undefined ? section : filterSection(section, choice);
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

function filterSection(section: MediaSection, choice: CodecChoice): MediaSection {
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
    return isUsable(line);
  });
  return { ...section, formats: kept.map(String), lines };
}

function isUsable(line: string): boolean {
  const extension = /^a=extmap:\d+(?:\/\w+)? (\S+)/.exec(line);
  if (extension !== null) return keptExtensions.has(extension[1] ?? '');
  return !droppedAttributes.test(line);
}
