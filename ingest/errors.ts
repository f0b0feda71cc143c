// Every error that ingest gives to a client, in one table, and the class that carries one.
// HTTP handlers throw it; the server turns it into RFC 9457 problem+json.

interface ErrorEntry {
  readonly status: number;
  readonly title: string;
}

/** Code → HTTP status and title; the README lists the same codes. */
export const ingestErrors = {
  'stream-id-invalid': { status: 400, title: 'The stream name is not valid.' },
  'request-invalid': { status: 400, title: 'The request cannot be read.' },
  'delivery-directive-invalid': {
    status: 400,
    title: 'The playlist cannot be delivered as asked.',
  },
  'stream-key-missing': { status: 401, title: 'A stream key is needed.' },
  'stream-key-wrong': { status: 403, title: 'The stream key is wrong.' },
  'admin-token-missing': { status: 401, title: 'The admin token is needed.' },
  'admin-token-wrong': { status: 403, title: 'The admin token is wrong, or there is none.' },
  'publisher-refused': { status: 403, title: 'This publisher is not admitted.' },
  'stream-not-found': { status: 404, title: 'There is no such stream.' },
  'resource-not-found': { status: 404, title: 'There is no such resource.' },
  'session-not-found': { status: 404, title: 'There is no such WHIP session.' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here.' },
  'stream-busy': { status: 409, title: 'Somebody publishes this stream already.' },
  'body-too-large': { status: 413, title: 'The body is too large.' },
  'content-type-wrong': { status: 415, title: 'The content type is not supported here.' },
  'range-not-satisfiable': { status: 416, title: 'The range is outside the resource.' },
  'offer-invalid': { status: 400, title: 'The SDP offer cannot be read.' },
  'offer-not-supported': {
    status: 422,
    title: 'The SDP offer asks for what ingest cannot receive.',
  },
  'fragment-invalid': { status: 400, title: 'The ICE fragment cannot be read.' },
  'precondition-failed': { status: 412, title: 'The request is about an ICE session of the past.' },
  'precondition-required': { status: 428, title: 'The request must name its ICE session.' },
  'ice-restart-not-supported': { status: 422, title: 'This server cannot restart ICE.' },
  'rate-limited': { status: 429, title: 'Too many requests came from this address.' },
  'limit-reached': { status: 503, title: 'The server has no room for another publisher.' },
  'admission-unavailable': { status: 503, title: 'Nobody can say who may publish.' },
  'registry-unavailable': { status: 503, title: 'Nobody can say which server has the stream.' },
  'stream-interrupted': { status: 503, title: 'The stream is changing its server.' },
  'store-unavailable': { status: 503, title: 'The origin store does not answer.' },
  internal: { status: 500, title: 'Ingest failed.' },
} as const satisfies Record<string, ErrorEntry>;

export type IngestErrorCode = keyof typeof ingestErrors;

/** RFC 9457 problem details. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

/** An error for a client; `message` says what to do about it. */
export class IngestError extends Error {
  readonly code: IngestErrorCode;
  readonly status: number;

  constructor(code: IngestErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IngestError';
    this.code = code;
    this.status = ingestErrors[code].status;
  }

  /** What the client reads, as `application/problem+json`. */
  toProblem(): Problem {
    return {
      type: `urn:shoal:ingest:${this.code}`,
      title: ingestErrors[this.code].title,
      status: this.status,
      detail: this.message,
    };
  }
}

/** The part of a Fastify reply that a problem needs. */
export interface ProblemReply {
  code(status: number): ProblemReply;
  type(mediaType: string): ProblemReply;
  send(body: string): unknown;
}

/** Fastify's own complaints about a request, in our words. */
const frameworkErrors: Readonly<Record<string, readonly [IngestErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['content-type-wrong', 'Send the documented content type.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'Send a smaller body.'],
};

/** Any error as one for a client; what is not known leaves as `internal`, without its message. */
export function toIngestError(error: unknown): IngestError {
  if (error instanceof IngestError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [ingestCode, message] = frameworkErrors[code] ?? ['internal', 'See the log of ingest.'];
  return new IngestError(ingestCode, message, { cause: error });
}

/** Answers a request with a problem (RFC 9457); for the error handler of the server. */
export function replyWithProblem(error: unknown, reply: ProblemReply): void {
  const ingestError = toIngestError(error);
  reply
    .code(ingestError.status)
    .type('application/problem+json')
    .send(JSON.stringify(ingestError.toProblem()));
}
