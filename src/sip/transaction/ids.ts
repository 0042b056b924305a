import { randomFillSync, randomUUID } from 'node:crypto';

/** Random octets, drawn many at once: a draw takes the system microseconds, however few octets it is for. Each is used once. */
const drawn = Buffer.allocUnsafeSlow(4096);
let used = drawn.length;

/** The place in `drawn` of so many octets that nobody has had. */
function draw(octets: number): number {
  if (used + octets > drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += octets;
  return used - octets;
}

function randomText(octets: number): string {
  const start = draw(octets);
  return drawn.toString('base64url', start, start + octets);
}

/** RFC 3261 8.1.1.7: begins a branch that is unique over space and time. */
export const magicCookie = 'z9hG4bK';

/** A new Via branch. */
export function newBranch(): string {
  return magicCookie + randomText(12);
}

/** A new From or To tag: 72 random bits, where RFC 3261 19.3 asks for at least 32. */
export function newTag(): string {
  return randomText(9);
}

/** A new Call-ID (RFC 3261 8.1.1.4). */
export function newCallId(): string {
  return randomUUID();
}

/** A first CSeq number, below 2**31 as RFC 3261 8.1.1.5 asks, with room to count up. */
export function newSequence(): number {
  return 1 + (drawn.readUInt32BE(draw(4)) & 0x0fff_ffff);
}
