// Which ICE candidates of a publisher ingest can use (RFC 8839 §5.1): UDP to a literal address.
// The offer's filter and trickled fragments ask here, so that both follow one rule. Pure.

/** Most candidates of one publisher; browsers with many networks offer about a dozen. */
export const maxCandidates = 32;
/** Real ones are far below 200 characters. */
const maxCandidateChars = 512;
const pattern =
  /^candidate:[\w+/]{1,32} \d{1,3} udp \d{1,10} [0-9a-f.:]{2,45} \d{1,5} typ (?:host|srflx|prflx|relay)(?: |$)/i;

/**
 * RFC 9725 §4.3.2: candidates that the server cannot use are dropped silently. Names (mDNS) would
 * have to be resolved; the publisher reaches our candidates all the same.
 * @param text the attribute without `a=`
 */
export function isUsableCandidate(text: string): boolean {
  return text.length <= maxCandidateChars && pattern.test(text);
}
