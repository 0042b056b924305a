import type { Command } from 'commander';
import { explanationOf, readInviteOctets } from '../../numbers/read.ts';
import { Failure } from '../../shared/errors.ts';
import { act } from '../context.ts';
import { caseSettings, judgeInvites, report } from './explain/cases.ts';
import { factsOf } from './explain/facts.ts';
import { findInvites, readOctets } from './explain/input.ts';
import { chooseReading, type ReadingOptions } from './explain/settings.ts';
import { tellReading, whatFollows } from './explain/story.ts';

const help = `
The file is a SIP message as text, or a capture (pcap, pcapng) with INVITEs over UDP; "-" is standard input.
The INVITE is read under the trunk of the settings file (--trunk, when there are several), or under --profile.
With --cases each line is a case {"id", "message", "settings", "expect"}; the exit code is 1 when one fails or is no case.

Examples:
  ringaway explain invite.txt
  ringaway explain trunk.pcapng --profile china --json
  ringaway explain - --config ringaway.yaml --trunk ngn < invite.txt
  ringaway explain --cases invites.jsonl`;

interface Options extends ReadingOptions {
  cases?: string;
}

/** `ringaway explain`: which numbers are read out of an INVITE, by which rules, and what follows. */
export function registerExplain(program: Command): void {
  program
    .command('explain')
    .argument('[file]', 'a SIP message, or a capture; "-" for standard input')
    .summary('tell which numbers an INVITE holds, and why')
    .description('Tell which numbers are read out of an INVITE, from which header and by which rule, and what follows.')
    .option('--profile <name>', 'read under this trunk profile')
    .option('--trunk <name>', 'read under this trunk of the settings file')
    .option('--country <code>', 'country of national numbers, such as CN')
    .option('--area <code>', 'area of local numbers, without its 0, such as 755')
    .option('--cases <file>', 'judge the cases of a file, one JSON line each')
    .addHelpText('after', help)
    .action(
      act(async (context, file: string | undefined, options: Options) => {
        if (options.cases !== undefined) {
          if (file !== undefined) throw new Failure('bad-input', 'give either a file or --cases');
          const named = options.profile !== undefined || options.trunk !== undefined;
          const settings = named ? { ...chooseReading(context, options).reading, ...caseSettings } : caseSettings;
          const text = (await readOctets(options.cases)).toString('utf8');
          report(judgeInvites(text, settings, (why) => void process.stderr.write(`ringaway: ${why}\n`)));
          return;
        }
        if (file === undefined) throw new Failure('bad-input', 'give the file of a SIP message, "-", or --cases');
        const { name, reading } = chooseReading(context, options);
        const { calls } = context.settings();
        const { found, remarks } = findInvites(await readOctets(file), file);
        const messages = found.map(({ octets, where }) => ({ where, result: readInviteOctets(octets, reading) }));
        const value = {
          settings: name,
          remarks,
          messages: messages.map(({ where, result }) => ({
            where,
            numbers: factsOf(result),
            explanation: explanationOf(result),
            follows: whatFollows(result, calls),
          })),
        };
        context.print(value, () =>
          [
            `Read under ${name}, country ${reading.defaultCountry}, area ${reading.areaCode || '-'}.`,
            ...remarks,
            ...messages.map(({ where, result }) => `\nINVITE: ${where}\n\n${tellReading(result, calls)}`),
          ].join('\n'),
        );
      }),
    );
}
