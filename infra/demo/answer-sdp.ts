// Reads from a WHIP answer what a sender must know: which of its media the server takes, and
// under which payload types. Pure; the synthetic broadcaster uses it.

const maxPayloadType = 127;

/**
 * The payload type under which the answer takes `encoding` in its first section of `kind`, or
 * `null` when it does not. RFC 3264 §6.1: the sender uses the numbers of the answer.
 */
export function acceptedPayloadType(
  answerSdp: string,
  kind: 'video' | 'audio',
  encoding: string,
): number | null {
  const section = answerSdp.split(/\r?\n(?=m=)/).find((text) => text.startsWith(`m=${kind} `));
  // Port 0 rejects the section, RFC 3264 §6.
  if (section === undefined || section.startsWith(`m=${kind} 0 `)) return null;
  for (const match of section.matchAll(/^a=rtpmap:(\d+) ([^/\r\n]+)\//gm)) {
    const payloadType = Number(match[1]);
    const isEncoding = match[2]?.toLowerCase() === encoding.toLowerCase();
    if (isEncoding && payloadType <= maxPayloadType) return payloadType;
  }
  return null;
}
