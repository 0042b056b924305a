import { Option, type Command } from 'commander';
import { isEmergency, normalise, type NatureOfAddress } from '../../numbers/number.ts';
import { printable } from '../../numbers/explanation.ts';
import { Failure } from '../../shared/errors.ts';
import { act, table } from '../context.ts';
import { caseSettings, judgeNumbers, report } from './explain/cases.ts';
import { readOctets } from './explain/input.ts';
import { chooseReading, type ReadingOptions } from './explain/settings.ts';

const help = `
With --cases the file is a JSON array of {"input", "settings", "hints", "want", "kind"}; "-" is standard input; the exit
code is 1 when one fails. Otherwise the exit code is 0, whether or not something is a number.

Examples:
  ringaway normalise 075520000001 20000001 95588 --area 755
  ringaway normalise 442079460000 --nai international
  ringaway normalise --cases normalise.json`;

interface Options extends ReadingOptions {
  cases?: string;
  context?: string;
  nai?: NatureOfAddress;
}

/** `ringaway normalise`: the one form of numbers as they arrive on a trunk. */
export function registerNormalise(program: Command): void {
  program
    .command('normalise')
    .argument('[numbers...]', 'numbers as they arrive; "-" for standard input, one a line')
    .summary('bring numbers into their one form')
    .description('Bring numbers as they arrive on a trunk into the one form in which they are compared and stored.')
    .option('--profile <name>', 'read under this trunk profile')
    .option('--trunk <name>', 'read under this trunk of the settings file')
    .option('--country <code>', 'country of national numbers, such as CN')
    .option('--area <code>', 'area of local numbers, without its 0, such as 755')
    .option('--context <text>', 'phone-context that came with them (RFC 3966), such as +8610')
    .addOption(
      new Option('--nai <nature>', 'ISUP nature of address that came with them').choices([
        'subscriber',
        'unknown',
        'national',
        'international',
      ]),
    )
    .option('--cases <file>', 'judge the cases of a file')
    .addHelpText('after', help)
    .action(
      act(async (context, given: string[], options: Options) => {
        if (options.cases !== undefined) {
          if (given.length > 0) throw new Failure('bad-input', 'give either numbers or --cases');
          report(judgeNumbers((await readOctets(options.cases)).toString('utf8'), caseSettings));
          return;
        }
        const inputs = given.length === 1 && given[0] === '-' ? (await context.readInput()).split(/\r?\n/) : given;
        if (inputs.length === 0) throw new Failure('bad-input', 'give numbers, "-", or --cases');
        const { reading } = chooseReading(context, options);
        const hints = {
          ...(options.context !== undefined && { phoneContext: options.context }),
          ...(options.nai !== undefined && { nai: options.nai }),
        };
        const rows = inputs.map((input) => {
          const found = normalise(input, reading, hints);
          const emergency = found !== undefined && isEmergency(found.number, reading);
          return { input, got: found?.number ?? null, kind: found?.kind ?? null, emergency };
        });
        context.print(rows, () =>
          table(
            ['INPUT', 'NUMBER', 'KIND'],
            rows.map(({ input, got, kind, emergency }) => [
              printable(input),
              got ?? 'no number under these settings',
              emergency ? `${kind ?? ''}, emergency` : (kind ?? '-'),
            ]),
          ),
        );
      }),
    );
}
