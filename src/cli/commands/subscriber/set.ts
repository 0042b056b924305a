import { Option, type Command } from 'commander';
import type { SubscriberChange } from '../../../call/ports.ts';
import type { InstructionProof } from '../../../call/subscriber.ts';
import { Failure } from '../../../shared/errors.ts';
import { unknownAccount } from '../../../store/failures.ts';
import { act, type Context } from '../../context.ts';
import { withIsoTimes } from '../../time.ts';
import { describeSubscriber } from './describe.ts';
import { proofs, readAccount, readConnect, readMusic, readPassword, readPin, readText } from './input.ts';

interface SetOptions {
  owner?: string;
  address?: string;
  /** false: --no-pin. */
  pin?: string | false;
  proof?: InstructionProof;
  music?: string;
  connect?: string;
  passwordStdin?: true;
}

/** `ringaway subscriber set`. */
export function registerSet(parent: Command): void {
  parent
    .command('set')
    .argument('<account>', 'name of the account')
    .description('Change a subscriber: what is not named stays as it was. Numbers: see ringaway number.')
    .option('--owner <text>', 'name of the owner; "" removes it')
    .option('--address <text>', 'address of the owner; "" removes it')
    .option('--pin <digits>', 'PIN for instructions: 4 to 12 digits')
    .option('--no-pin', 'remove the PIN')
    .addOption(new Option('--proof <proof>', 'what an instruction needs besides the login').choices(proofs))
    .option(
      '--music <file>',
      'wav or mp3 file, on the machine of the service: what their callers hear who wait; "" removes it',
    )
    .option(
      '--connect <ways>',
      'ways to connect, the preferred one first: of bridge,refer,redirect; "" leaves it to the trunk',
    )
    .option('--password-stdin', 'the new password is the line on standard input: at least 8 characters')
    .action(
      act(async (context, name: string, options: SetOptions) => {
        const account = readAccount(name);
        const change = await readChange(context, options);
        const store = await context.store();
        const known = await store.subscribers.credentials(account);
        if (known?.subscriber.account !== account) throw unknownAccount(account);
        const hadPin = known.secrets.pinHash !== undefined;
        const proof = proofAfter(options, { proof: known.subscriber.proof, hadPin });
        const subscriber = await store.subscribers.change(account, { ...change, proof });
        context.print(withIsoTimes(subscriber), () => describeSubscriber(subscriber));
      }),
    );
}

async function readChange(context: Context, options: SetOptions): Promise<SubscriberChange> {
  if (Object.values(options).every((value) => value === undefined)) {
    throw new Failure('bad-input', 'nothing to change was named: see ringaway subscriber set --help');
  }
  return {
    ...(options.owner !== undefined && { ownerName: readText('--owner', options.owner) || null }),
    ...(options.address !== undefined && { ownerAddress: readText('--address', options.address) || null }),
    ...(options.music !== undefined && { music: options.music === '' ? null : readMusic(options.music) }),
    ...(options.connect !== undefined && { connect: options.connect === '' ? null : readConnect(options.connect) }),
    ...(options.pin !== undefined && { pinHash: options.pin === false ? null : await readPin(options.pin) }),
    ...(options.passwordStdin && { passwordHash: await readPassword(context) }),
  };
}

/** The proof that fits what the account then has: a first PIN is asked for, and no PIN cannot be. */
function proofAfter(options: SetOptions, before: { proof: InstructionProof; hadPin: boolean }): InstructionProof {
  const firstPin = typeof options.pin === 'string' && !before.hadPin && before.proof === 'session';
  const proof = options.proof ?? (firstPin ? 'pin' : before.proof);
  const hasPin = options.pin === undefined ? before.hadPin : options.pin !== false;
  if (proof !== 'pin' || hasPin) return proof;
  throw new Failure(
    'bad-input',
    options.pin === false
      ? 'instructions of this account need the PIN: say with --proof session or --proof password what they need without it'
      : '--proof pin needs a PIN, and this account has none: give it with --pin',
  );
}
