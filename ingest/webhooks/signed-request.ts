// One signed POST to the operator's own service, in the form of standardwebhooks.com: the receiver
// checks `webhook-signature` over id, time and body. Webhooks and the admission question use it.

import { createHmac, randomUUID } from 'node:crypto';

export interface WebhookTarget {
  readonly url: string;
  /** Key of the HMAC. */
  readonly secret: string;
}

/** The headers of a body that is sent at `sentAtMs`; a repeat keeps its id. */
export function signedHeaders(
  secret: string,
  message: { readonly id: string; readonly body: string; readonly sentAtMs: number },
): Record<string, string> {
  const timestamp = String(Math.floor(message.sentAtMs / 1000));
  const signature = createHmac('sha256', secret)
    .update(`${message.id}.${timestamp}.${message.body}`)
    .digest('base64');
  return {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
}

export function newMessageId(): string {
  return `msg_${randomUUID()}`;
}

/**
 * Sends a body; redirects are not followed, as they would take the signature elsewhere.
 * @returns the status of the answer
 * @throws Error without an answer in `timeoutMs`, or when `signal` aborts
 */
export async function postSigned(
  target: WebhookTarget,
  message: { readonly id: string; readonly body: string },
  limits: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<number> {
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  const response = await fetch(target.url, {
    method: 'POST',
    redirect: 'manual',
    headers: signedHeaders(target.secret, { ...message, sentAtMs: Date.now() }),
    body: message.body,
    signal: limits.signal === undefined ? timeout : AbortSignal.any([timeout, limits.signal]),
  });
  // What it says besides its status is of no interest.
  await response.body?.cancel();
  return response.status;
}
