// Every error that the tracker gives to a client, in one table, and the class that carries one.
// HTTP handlers throw it; the server turns it into RFC 9457 problem+json.

interface ErrorEntry {
  readonly status: number;
  readonly title: string;
}

/** Code → HTTP status and title; the README lists the same codes. */
export const trackerErrors = {
  'beacon-invalid': { status: 400, title: 'The beacon cannot be read.' },
  'player-config-invalid': { status: 400, title: 'The player configuration is not valid.' },
  'query-invalid': { status: 400, title: 'The query is not valid.' },
  'request-invalid': { status: 400, title: 'The request cannot be read.' },
  'token-missing': { status: 401, title: 'A viewer token is needed.' },
  'dashboard-token-wrong': { status: 401, title: 'The dashboard token is needed.' },
  'token-invalid': { status: 403, title: 'The viewer token is not valid here.' },
  'revocation-not-enabled': { status: 403, title: 'Tokens cannot be revoked here.' },
  'player-config-fixed': { status: 403, title: 'Players cannot be configured here.' },
  'import-not-enabled': { status: 403, title: 'CDN usage cannot be imported here.' },
  'stream-unknown': { status: 403, title: 'There is no such stream.' },
  'resource-not-found': { status: 404, title: 'There is no such resource.' },
  'dashboard-not-built': { status: 404, title: 'The dashboard is not built.' },
  'body-too-large': { status: 413, title: 'The body is too large.' },
  'content-type-wrong': { status: 415, title: 'The content type is not supported here.' },
  'limit-reached': { status: 503, title: 'The tracker has no room for more.' },
  'store-unavailable': { status: 503, title: 'The telemetry store does not answer.' },
  'ingest-unavailable': { status: 503, title: 'Ingest has not said which streams there are.' },
  internal: { status: 500, title: 'The tracker failed.' },
} as const satisfies Record<string, ErrorEntry>;

export type TrackerErrorCode = keyof typeof trackerErrors;

/** RFC 9457 problem details. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

/** An error for a client; `message` says what to do about it. */
export class TrackerError extends Error {
  readonly code: TrackerErrorCode;
  readonly status: number;

  constructor(code: TrackerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TrackerError';
    this.code = code;
    this.status = trackerErrors[code].status;
  }

  /** What the client reads, as `application/problem+json`. */
  toProblem(): Problem {
    return {
      type: `urn:shoal:tracker:${this.code}`,
      title: trackerErrors[this.code].title,
      status: this.status,
      detail: this.message,
    };
  }
}
