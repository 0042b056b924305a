import type { Refusal, Store } from '../call/ports.ts';
import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { verifySecret } from '../shared/secret.ts';
import { lockKey } from './addresses.ts';
import type { NeededProof } from './events.ts';
import type { Guard } from './guard.ts';

/** What an instruction carried besides its session. */
export interface GivenProof {
  password?: string;
  pin?: string;
}
export type ProofRefusal = Refusal & { needs?: NeededProof };

export interface ProofParts {
  store: Pick<Store, 'subscribers'>;
  clock: Clock;
  /** Not the logins' guard: a stranger who locks the account's login must not stop the owner's instructions. */
  guard: Guard;
}

/**
 * Checks the password and PIN of an instruction: what the account demands must be there, and what is there must be
 * right. Undefined when it is well. Rejects when the store fails.
 */
export async function checkProof(
  { store, clock, guard }: ProofParts,
  from: { account: string; ip: string },
  given: GivenProof,
): Promise<ProofRefusal | undefined> {
  const found = await withDeadline(
    clock,
    10_000,
    'the search for the account',
    store.subscribers.credentials(from.account),
  );
  if (!found) return { code: 'not-allowed', message: 'The account was removed.' };
  const { proof } = found.subscriber;
  if (proof !== 'session' && given[proof] === undefined) return needed(proof);
  const { passwordHash, pinHash } = found.secrets;
  for (const [kind, plain, hash] of [
    ['password', given.password, passwordHash],
    ['pin', given.pin, pinHash],
  ] as const) {
    const refusal = plain === undefined ? undefined : await compare(kind, plain, hash);
    if (refusal) return refusal;
  }
  return undefined;

  /** Each kind is counted by itself: who knows the password must not clear the count of guessed PINs with it. */
  async function compare(
    kind: NeededProof,
    plain: string,
    hash: string | undefined,
  ): Promise<ProofRefusal | undefined> {
    const verdict = await guard.check(`${kind} ${from.account}`, lockKey(from.ip), () => verifySecret(hash, plain));
    if (verdict.is === 'locked') return locked(verdict.retryAfter);
    return verdict.is === 'right' ? undefined : wrong(kind);
  }
}

function wrong(kind: NeededProof): ProofRefusal {
  return { code: 'bad-password', message: `The ${wordOf(kind)} is wrong. Type it again.` };
}

function wordOf(kind: NeededProof): string {
  return kind === 'pin' ? 'PIN' : 'password';
}

function needed(needs: NeededProof): ProofRefusal {
  return { code: 'password-needed', message: `The account demands its ${wordOf(needs)} with each instruction.`, needs };
}

function locked(retryAfter: number): ProofRefusal {
  return { code: 'locked', message: `Too many wrong passwords or PINs. Wait ${retryAfter} s.`, retryAfter };
}
