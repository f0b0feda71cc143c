// Finishes libdatachannel's answer: adds the media sections that share its transport, and gives its
// candidates the addresses under which clients reach the server. Pure; the session calls it.

import {
  attributes,
  formatSdp,
  type MediaSection,
  parseSdp,
  type SdpDocument,
} from './sdp-document.ts';

/** What bundled sections repeat of the first one (RFC 9143 §7.1.3); candidates stay there alone. */
const transportLine = /^(?:c=|a=(?:ice-ufrag|ice-pwd|fingerprint|setup|rtcp-mux)\b)/;
const mediaLine = /^a=(?:mid|rtpmap|fmtp|rtcp-fb|extmap|rtcp-rsize)\b/;

/**
 * The answer to the whole offer, from libdatachannel's answer to its first section.
 * @param offer with one codec left in each section
 * @param rids layers of the picture that are taken
 * @throws IngestError when libdatachannel's answer cannot be read
 */
export function completeAnswer(
  transportAnswerSdp: string,
  offer: SdpDocument,
  rids: readonly string[] = [],
): string {
  const answer = parseSdp(transportAnswerSdp);
  const [transport] = answer.media;
  const [, ...others] = offer.media;
  if (transport === undefined || (others.length === 0 && rids.length === 0)) {
    return transportAnswerSdp;
  }
  const mids = offer.media.flatMap(({ lines }) => attributes(lines, 'mid'));
  return formatSdp({
    sessionLines: answer.sessionLines.map((line) =>
      line.startsWith('a=group:BUNDLE') ? `a=group:BUNDLE ${mids.join(' ')}` : line,
    ),
    media: [transport, ...others.map((section) => answerSection(section, transport))].map(
      (section) => (section.kind === 'video' ? withLayers(section, rids) : section),
    ),
  });
}

/** RFC 8853 §5.3.2: the layers that the publisher is asked to send. */
function withLayers(section: MediaSection, rids: readonly string[]): MediaSection {
  if (rids.length === 0) return section;
  const layers = rids.map((rid) => `a=rid:${rid} recv`);
  return {
    ...section,
    lines: [...section.lines, ...layers, `a=simulcast:recv ${rids.join(';')}`],
  };
}

function answerSection(offered: MediaSection, transport: MediaSection): MediaSection {
  return {
    ...offered,
    port: transport.port,
    protocol: transport.protocol,
    lines: [
      ...transport.lines.filter((line) => transportLine.test(line)),
      'a=recvonly',
      ...offered.lines.filter((line) => mediaLine.test(line)),
    ],
  };
}

/**
 * Every host candidate once per announced address, in place of the gathered ones.
 * @param announcedIps empty to leave the answer as it is
 */
export function announceAddresses(answerSdp: string, announcedIps: readonly string[]): string {
  if (announcedIps.length === 0) return answerSdp;
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const line of answerSdp.split('\r\n')) {
    const fields = line.split(' ');
    if (!line.startsWith('a=candidate:') || fields[7] !== 'host') {
      lines.push(line);
      continue;
    }
    announcedIps.forEach((ip, index) => {
      // Several gathered addresses share a port: one candidate each is enough.
      const key = `${ip} ${fields[5]}`;
      if (seen.has(key)) return;
      seen.add(key);
      const foundation = `a=candidate:${index + 1}`;
      lines.push([foundation, ...fields.slice(1, 4), ip, ...fields.slice(5)].join(' '));
    });
  }
  return lines.join('\r\n');
}

/** RFC 8866 §5.8 and RFC 3890: what the publisher may send, for its encoder to keep to. */
export function limitBitrate(answerSdp: string, maxBitrateBps: number | undefined): string {
  if (maxBitrateBps === undefined) return answerSdp;
  const { sessionLines, media } = parseSdp(answerSdp);
  return formatSdp({
    sessionLines,
    media: media.map((section) => {
      if (section.kind !== 'video') return section;
      // Bandwidth stands behind the connection, before the attributes (RFC 8866 §5).
      const attributesAt = section.lines.findIndex((line) => line.startsWith('a='));
      const at = attributesAt < 0 ? section.lines.length : attributesAt;
      const bandwidth = [`b=AS:${Math.ceil(maxBitrateBps / 1_000)}`, `b=TIAS:${maxBitrateBps}`];
      return { ...section, lines: section.lines.toSpliced(at, 0, ...bandwidth) };
    }),
  });
}

/** Enough for 720p, or for three layers of it, from the first picture on. */
const suggestedStartBps = 2_000_000;

/**
 * Tells senders built on libwebrtc (Chromium, Safari, most phones) what to begin with. By themselves
 * they begin with 300 kbit/s and a picture to match, and the first picture decides about the ladder;
 * where the uplink is slower they notice within a second or two. Others ignore the parameter.
 */
export function suggestStartBitrate(answerSdp: string, maxBitrateBps = Infinity): string {
  const { sessionLines, media } = parseSdp(answerSdp);
  const kilobits = Math.round(Math.min(suggestedStartBps, maxBitrateBps) / 1_000);
  return formatSdp({
    sessionLines,
    media: media.map((section) => {
      const [payloadType] = section.formats;
      if (section.kind !== 'video' || payloadType === undefined) return section;
      const suggestion = `x-google-start-bitrate=${kilobits}`;
      const prefix = `a=fmtp:${payloadType} `;
      if (!section.lines.some((line) => line.startsWith(prefix))) {
        return { ...section, lines: [...section.lines, `${prefix}${suggestion}`] };
      }
      return {
        ...section,
        lines: section.lines.map((line) =>
          line.startsWith(prefix) ? `${line};${suggestion}` : line,
        ),
      };
    }),
  });
}
