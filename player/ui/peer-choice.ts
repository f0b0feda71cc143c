// Whether this viewer exchanges media with others: what the page allows (`p2p`), what the viewer
// answered now or before. The element asks it before it opens a source.

import { type PeerConsent, rememberConsent, rememberedConsent } from './consent-memory.ts';

/** The attribute `p2p`, and what the session is told: `PeerMode` of `config.ts`. */
type PeerMode = 'on' | 'off' | 'consent';

export class PeerChoice {
  /** Answered on this page: holds also where the browser keeps nothing. */
  #answer: PeerConsent | null = null;

  /** What the viewer has chosen, `null` before they were asked or pressed the switch. */
  get answer(): PeerConsent | null {
    return this.#answer ?? rememberedConsent();
  }

  /** Remembers the viewer's choice for all players of this origin. */
  choose(answer: PeerConsent): void {
    this.#answer = answer;
    rememberConsent(answer);
  }

  /** The session's mode. A page's `off` is final; a viewer's refusal may be taken back. */
  modeFor(page: PeerMode): PeerMode {
    if (page === 'off') return 'off';
    const { answer } = this;
    if (answer === null) return page;
    return answer === 'allowed' ? 'on' : 'consent';
  }

  mustAsk(page: PeerMode): boolean {
    return page === 'consent' && this.answer === null;
  }
}
