// Reduces an offer to what ingest uses, before libdatachannel sees it: that library would accept
// every codec and feedback it is offered and then serve none of them. Pure; the answer follows.

import type { CodecChoice } from './codec-choice.ts';
import { formatSdp, type MediaSection, type SdpDocument } from './sdp-document.ts';

/** draft-holmer-rmcat-transport-wide-cc-extensions-01. */
export const transportSequenceUri =
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const keptExtensions = new Set([transportSequenceUri, 'urn:ietf:params:rtp-hdrext:sdes:mid']);
/** What the receiver core really sends. */
const keptFeedback = new Set(['nack', 'nack pli', 'transport-cc']);
/** Simulcast and layers are for servers that forward; ingest takes one picture. */
const droppedAttributes = /^a=(?:simulcast|rid|rtcp-xr|extmap-allow-mixed)\b/;
const maxCandidates = 32;

/** @param choices the codec chosen for each media section, in order */
export function filterOffer(document: SdpDocument, choices: readonly CodecChoice[]): string {
  return formatSdp({
    sessionLines: document.sessionLines.filter(isUsable),
    media: document.media.map((section, index) => {
      const choice = choices[index];
      return choice === undefined ? section : filterSection(section, choice);
    }),
  });
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
      return candidates <= maxCandidates && isUsableCandidate(line);
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

/**
 * RFC 9725 §4.3.2: candidates that the server cannot use are dropped silently. Names (mDNS) would
 * have to be resolved; the publisher reaches our candidates all the same.
 */
function isUsableCandidate(line: string): boolean {
  const [, , transport = '', , address = ''] = line.split(' ');
  return transport.toLowerCase() === 'udp' && /^[0-9a-f.:]+$/i.test(address);
}
