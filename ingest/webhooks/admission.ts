// Asks the operator's service whether somebody may publish, after the stream key was right and
// before the offer is looked at. Registered in front of the WHIP routes by the composition root.

import type { FastifyInstance } from 'fastify';
import { IngestError } from '../errors.ts';
import { newMessageId, postSigned, type WebhookTarget } from './signed-request.ts';

/** A publisher waits for the answer: no service that is asked may take long. */
const answerTimeoutMs = 3_000;
const publishPath = '/whip/:stream';

/** @throws IngestError `publisher-refused`, or `admission-unavailable` without an answer */
async function askFor(target: WebhookTarget, stream: string, address: string): Promise<void> {
  const body = JSON.stringify({ type: 'publish.requested', stream, address });
  let status: number;
  try {
    status = await postSigned(target, { id: newMessageId(), body }, { timeoutMs: answerTimeoutMs });
  } catch (error) {
    const message = 'The admission service does not answer; try again later.';
    throw new IngestError('admission-unavailable', message, { cause: error });
  }
  if (status >= 200 && status < 300) return;
  if (status >= 500) {
    throw new IngestError('admission-unavailable', 'The admission service failed; try later.');
  }
  throw new IngestError('publisher-refused', 'The admission service of this server said no.');
}

/** Call it before the WHIP endpoint is registered: hooks are for the routes that follow. */
export function registerAdmission(app: FastifyInstance, target: WebhookTarget): void {
  app.addHook<{ Params: { stream?: string } }>('preHandler', async (request) => {
    if (request.method !== 'POST' || request.routeOptions.url !== publishPath) return;
    await askFor(target, request.params.stream ?? '', request.ip);
  });
}
