// Where players ask the tracker for STUN and TURN servers, and how they read the answer. Isomorphic;
// the answer comes from outside, so what is no server in it is left out.

export const iceServersPath = '/api/v1/ice-servers';

export interface AdvertisedIceServer {
  readonly urls: string[];
  readonly username?: string;
  readonly credential?: string;
}

const maxServers = 8;
const urlPattern = /^(?:stun|turn)s?:\S{1,256}$/;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The servers in a parsed answer of {@link iceServersPath}; none in anything else. */
export function parseIceServers(answer: unknown): readonly AdvertisedIceServer[] {
  if (!isRecord(answer) || !Array.isArray(answer.iceServers)) return [];
  return answer.iceServers.slice(0, maxServers).flatMap((server: unknown) => {
    if (!isRecord(server) || !Array.isArray(server.urls)) return [];
    const urls = server.urls.filter(
      (url): url is string => typeof url === 'string' && urlPattern.test(url),
    );
    if (urls.length === 0) return [];
    const { username, credential } = server;
    if (typeof username !== 'string' || typeof credential !== 'string') return [{ urls }];
    return [{ urls, username, credential }];
  });
}
