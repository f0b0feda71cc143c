// Reads what publishers send by PATCH (RFC 8840 §9, `application/trickle-ice-sdpfrag`): candidates
// found after the offer, or the credentials of an ICE restart. Pure; the session routes act on it.

import { IngestError } from '../errors.ts';
import { isUsableCandidate, maxCandidates } from './ice-candidate.ts';

export interface TrickledCandidate {
  /** The attribute without `a=`. */
  readonly candidate: string;
  /** Of the media section it belongs to; `null` when the fragment names none. */
  readonly mid: string | null;
}

export interface TrickleFragment {
  /** Of the ICE session that the fragment is about; another one asks for a restart. */
  readonly usernameFragment: string | null;
  readonly password: string | null;
  /** Those that can be used, at most 32. */
  readonly candidates: readonly TrickledCandidate[];
  readonly isEndOfCandidates: boolean;
}

export const trickleType = 'application/trickle-ice-sdpfrag';
export const maxFragmentBytes = 16 * 1024;
const maxLines = 400;
/** RFC 8839 §5.4: 4 to 256 characters, 22 to 256 for the password. */
const usernamePattern = /^[\w+/-]{4,256}$/;
const passwordPattern = /^[\w+/-]{22,256}$/;

interface OpenFragment {
  usernameFragment: string | null;
  password: string | null;
  candidates: TrickledCandidate[];
  isEndOfCandidates: boolean;
  mid: string | null;
}

/** @throws IngestError `fragment-invalid` when the text is no such fragment */
export function parseTrickleFragment(text: string): TrickleFragment {
  if (text.length > maxFragmentBytes) throw invalid('The fragment is too long.');
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length === 0 || lines.length > maxLines) {
    throw invalid('The fragment must have 1 to 400 lines.');
  }
  const open: OpenFragment = {
    usernameFragment: null,
    password: null,
    candidates: [],
    isEndOfCandidates: false,
    mid: null,
  };
  for (const line of lines) readLine(open, line);
  const { usernameFragment, password, candidates, isEndOfCandidates } = open;
  if (usernameFragment === null && candidates.length === 0 && !isEndOfCandidates) {
    // Nothing but dropped candidates is allowed; nothing of ICE at all is not.
    if (!lines.some((line) => line.startsWith('a=candidate:'))) {
      throw invalid('Send a=ice-ufrag, a=candidate or a=end-of-candidates.');
    }
  }
  return { usernameFragment, password, candidates, isEndOfCandidates };
}

function readLine(open: OpenFragment, line: string): void {
  if (!/^[a-z]=/.test(line)) throw invalid('Every line must be a letter, = and text.');
  // RFC 8840 §9: a pseudo media line opens a section; its mid follows.
  if (line.startsWith('m=')) open.mid = null;
  if (!line.startsWith('a=')) return;
  const text = line.slice(2);
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const value = colon < 0 ? '' : text.slice(colon + 1);
  if (name === 'mid') open.mid = value;
  else if (name === 'end-of-candidates') open.isEndOfCandidates = true;
  else if (name === 'ice-ufrag') open.usernameFragment = checked(value, usernamePattern, name);
  else if (name === 'ice-pwd') open.password = checked(value, passwordPattern, name);
  else if (name === 'candidate') addCandidate(open, text);
}

function addCandidate(open: OpenFragment, candidate: string): void {
  if (open.candidates.length >= maxCandidates || !isUsableCandidate(candidate)) return;
  open.candidates.push({ candidate, mid: open.mid });
}

function checked(value: string, pattern: RegExp, name: string): string {
  if (!pattern.test(value)) throw invalid(`a=${name} is not well formed.`);
  return value;
}

function invalid(message: string): IngestError {
  return new IngestError('fragment-invalid', message);
}
