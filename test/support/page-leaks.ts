// Counts what a page in Chromium holds on to after a garbage collection: connections, sockets, pending
// timers, bytes of heap. For tests that make and destroy players many times.

import type { CDPSession, Page } from 'playwright-core';

export interface PageHoldings {
  readonly peerConnections: number;
  readonly webSockets: number;
  /** Timeouts and intervals that would still fire. */
  readonly timers: number;
  readonly mediaElements: number;
  readonly heapBytes: number;
}

declare global {
  interface Window {
    pendingTimers: Set<number>;
  }
}

export class PageLeaks {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  /** Before the page is opened: its timers are counted from the first script on. */
  static async watch(page: Page): Promise<PageLeaks> {
    await page.addInitScript(countTimers);
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.enable');
    return new PageLeaks(session);
  }

  async holdings(): Promise<PageHoldings> {
    // Finalizers of one collection free what the next one finds.
    for (let round = 0; round < 3; round += 1) {
      await this.#session.send('HeapProfiler.collectGarbage');
    }
    const { usedSize } = await this.#session.send('Runtime.getHeapUsage');
    return {
      peerConnections: await this.#liveInstances('RTCPeerConnection'),
      webSockets: await this.#liveInstances('WebSocket'),
      timers: await this.#evaluate('pendingTimers.size'),
      mediaElements: await this.#liveInstances('HTMLMediaElement'),
      heapBytes: usedSize,
    };
  }

  async #evaluate(expression: string): Promise<number> {
    const { result } = await this.#session.send('Runtime.evaluate', { expression });
    return Number(result.value);
  }

  async #liveInstances(className: string): Promise<number> {
    const objectGroup = 'page-leaks';
    const { result } = await this.#session.send('Runtime.evaluate', {
      expression: `${className}.prototype`,
      objectGroup,
    });
    const { objects } = await this.#session.send('Runtime.queryObjects', {
      prototypeObjectId: result.objectId ?? '',
      objectGroup,
    });
    const counted = await this.#session.send('Runtime.callFunctionOn', {
      functionDeclaration:
        'function () { return this.filter((each) => !Object.hasOwn(each, "constructor")).length; }',
      objectId: objects.objectId ?? '',
      returnByValue: true,
    });
    await this.#session.send('Runtime.releaseObjectGroup', { objectGroup });
    return Number(counted.result.value);
  }
}

/** Runs in the page before its scripts: remembers every timer until it has fired or was cleared. */
function countTimers(): void {
  const pending = new Set<number>();
  window.pendingTimers = pending;
  const { setTimeout: startTimeout, setInterval: startInterval } = window;
  const { clearTimeout: stopTimeout, clearInterval: stopInterval } = window;
  const forget = (id: number | undefined): void => {
    if (id !== undefined) pending.delete(id);
  };
  Object.assign(window, {
    setTimeout: (handler: TimerHandler, delayMs?: number, ...rest: unknown[]) => {
      const id = startTimeout(
        (...given: unknown[]) => {
          forget(id);
          if (typeof handler === 'function') handler(...given);
        },
        delayMs,
        ...rest,
      );
      pending.add(id);
      return id;
    },
    setInterval: (handler: TimerHandler, delayMs?: number, ...rest: unknown[]) => {
      const id = startInterval(handler, delayMs, ...rest);
      pending.add(id);
      return id;
    },
    clearTimeout: (id: number | undefined) => {
      forget(id);
      stopTimeout(id);
    },
    clearInterval: (id: number | undefined) => {
      forget(id);
      stopInterval(id);
    },
  });
}
