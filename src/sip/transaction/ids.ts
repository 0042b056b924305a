import { randomBytes, randomUUID } from 'node:crypto';

/** RFC 3261 8.1.1.7: begins a branch that is unique over space and time. */
export const magicCookie = 'z9hG4bK';

/** A new Via branch. */
export function newBranch(): string {
  return magicCookie + randomBytes(12).toString('base64url');
}

/** A new From or To tag: 72 random bits, where RFC 3261 19.3 asks for at least 32. */
export function newTag(): string {
  return randomBytes(9).toString('base64url');
}

/** A new Call-ID (RFC 3261 8.1.1.4). */
export function newCallId(): string {
  return randomUUID();
}

/** A first CSeq number, below 2**31 as RFC 3261 8.1.1.5 asks, with room to count up. */
export function newSequence(): number {
  return 1 + (randomBytes(4).readUInt32BE(0) & 0x0fff_ffff);
}
