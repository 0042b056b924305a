/** V8 copies parts that are shorter than this, and keeps the whole for all others. */
const copied = 13;

const scratch = Buffer.allocUnsafeSlow(4096);

/**
 * The same text in memory of its own. A part that was cut out of a message keeps all of the message in memory, and a text that was
 * joined keeps its parts: what is kept for long must not.
 */
export function detached(text: string): string {
  if (text.length < copied) return text;
  if (text.length * 3 > scratch.length) return Buffer.from(text).toString();
  return scratch.toString('utf8', 0, scratch.write(text));
}

/** Octets in memory of their own, and as a text of characters 0 to 255: of all forms the one that takes least. */
export function shelved(octets: Buffer): string {
  return octets.toString('latin1');
}

/** What `shelved` has put away. */
export function unshelved(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
