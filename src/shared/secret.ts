import { hash, verify } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';

/**
 * Argon2id (RFC 9106) with the parameters that OWASP's Password Storage Cheat Sheet recommends as its minimum:
 * 19 MiB of memory, 2 passes, 1 lane; 32 bytes of hash over 16 random bytes of salt. The library's algorithm
 * is argon2id by default. They stand in each hash, so they can be raised later and old hashes still verify.
 */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

/** A hash that no secret has, compared where there is none, so that the time says nothing about what exists. */
const nobodysHash = [
  '',
  'argon2id',
  'v=19',
  `m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}`,
  unpadded(randomBytes(16)),
  unpadded(randomBytes(parameters.outputLen)),
].join('$');

/** The PHC string under which `plain` is kept; some 20 ms in a thread of libuv's pool. */
export function hashSecret(plain: string): Promise<string> {
  return hash(sameEverywhere(plain), parameters);
}

/**
 * Whether `plain` is the secret of `hash`. It takes as long for an unknown secret (`undefined`, then false) as
 * for a known one, and the comparison itself takes constant time.
 * @throws Error when `hash` is not a PHC string of argon2: the store is damaged
 */
export async function verifySecret(hash: string | undefined, plain: string): Promise<boolean> {
  const same = await verify(hash ?? nobodysHash, sameEverywhere(plain));
  return same && hash !== undefined;
}

/** One form of the same text (RFC 8265 4.2.2, NFC): keyboards compose accents differently. */
function sameEverywhere(plain: string): string {
  return plain.normalize('NFC');
}

/** Base64 as PHC strings have it. */
function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
