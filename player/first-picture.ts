// Holds back what is not needed for the first picture of a source until that is there: meeting other
// viewers takes the device and the line away from it. The session tells when it is.

/** Whoever waits longer has a slow line, or has not pressed play: others are met all the same. */
const mostWaitMs = 1_500;
/** From the decoded picture to the one on the screen, and the second segment is asked for. */
const paintMs = 100;

export class FirstPicture {
  /** Resolves when the picture is on the screen, or has kept others waiting for long enough. */
  readonly isThere: Promise<void>;
  #resolve: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout>;
  #isShown = false;

  constructor() {
    this.isThere = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#timer = setTimeout(() => this.close(), mostWaitMs);
  }

  /** It is decoded. */
  show(): void {
    if (this.#isShown) return;
    this.#isShown = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), paintMs);
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#isShown = true;
    clearTimeout(this.#timer);
    this.#resolve();
  }
}
