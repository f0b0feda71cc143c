// Finishes libdatachannel's answer for a server behind NAT or in a container: its candidates get
// the addresses under which clients reach it. Pure; the session calls it before it answers.

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
