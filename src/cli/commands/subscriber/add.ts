import { Option, type Command } from 'commander';
import type { InstructionProof } from '../../../call/subscriber.ts';
import { Failure } from '../../../shared/errors.ts';
import { act } from '../../context.ts';
import { withIsoTimes } from '../../time.ts';
import { describeSubscriber } from './describe.ts';
import {
  collect,
  proofs,
  readAccount,
  readConnect,
  readMusic,
  readNumbers,
  readPassword,
  readPin,
  readText,
} from './input.ts';

interface AddOptions {
  number: string[];
  second?: string[];
  owner?: string;
  address?: string;
  pin?: string;
  proof?: InstructionProof;
  music?: string;
  connect?: string;
  passwordStdin?: true;
}

/** `ringaway subscriber add`. */
export function registerAdd(parent: Command): void {
  parent
    .command('add')
    .argument('<account>', 'name of the account: 1 to 64 of a-z 0-9 . _ - @')
    .description('Add a subscriber.')
    .requiredOption('--number <number>', 'a number of theirs that callers dial; may come more than once', collect)
    .option(
      '--second <number>',
      "the service's number rung beside it; the first --second is the first --number's",
      collect,
    )
    .option('--owner <text>', 'name of the owner')
    .option('--address <text>', 'address of the owner')
    .option('--pin <digits>', 'PIN for instructions: 4 to 12 digits')
    .addOption(
      new Option('--proof <proof>', 'what an instruction needs besides the login (pin, when there is one)').choices(
        proofs,
      ),
    )
    .option('--music <file>', 'wav or mp3 file, on the machine of the service: what their callers hear who wait')
    .option('--connect <ways>', 'how their calls are connected, the preferred way first: of bridge,refer,redirect')
    .option('--password-stdin', 'the password is the line on standard input: at least 8 characters')
    .action(
      act(async (context, name: string, options: AddOptions) => {
        const account = readAccount(name);
        const { numbering } = context.settings();
        const numbers = readNumbers(options.number, options.second ?? [], numbering);
        if (options.proof === 'pin' && options.pin === undefined) {
          throw new Failure('bad-input', '--proof pin needs a PIN: give it with --pin');
        }
        if (!options.passwordStdin) {
          throw new Failure('bad-input', 'the password is missing: give it on standard input, with --password-stdin');
        }
        const connection = {
          ...(options.music && { music: readMusic(options.music) }),
          ...(options.connect && { connect: readConnect(options.connect) }),
        };
        const pin = options.pin === undefined ? {} : { pinHash: await readPin(options.pin) };
        const passwordHash = await readPassword(context);
        const store = await context.store();
        const subscriber = await store.subscribers.add({
          account,
          numbers,
          ...(options.owner && { ownerName: readText('--owner', options.owner) }),
          ...(options.address && { ownerAddress: readText('--address', options.address) }),
          ...connection,
          proof: options.proof ?? (options.pin === undefined ? 'session' : 'pin'),
          secrets: { passwordHash, ...pin },
        });
        context.print(withIsoTimes(subscriber), () => describeSubscriber(subscriber));
      }),
    );
}
