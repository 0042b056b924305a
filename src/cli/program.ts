// The command line: what commands there are, and how mistakes are answered. Each command's code is loaded only
// when that command is asked for.
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { fail, survivePipes } from './failing.ts';

interface Noun {
  name: string;
  summary: string;
  /** Loads the command and hangs it under the program. */
  register: (program: Command) => Promise<void>;
}

const nouns: Noun[] = [
  {
    name: 'serve',
    summary: 'run the service',
    register: async (program) => (await import('./commands/serve.ts')).registerServe(program),
  },
  {
    name: 'sip-server',
    summary: 'run the SIP server alone, for applications written with drachtio-srf',
    register: async (program) => (await import('./commands/sip-server/sip-server.ts')).registerSipServer(program),
  },
  {
    name: 'terminal',
    summary: 'be a terminal: see calls arrive and say where they go',
    register: async (program) => (await import('./commands/terminal.ts')).registerTerminal(program),
  },
  {
    name: 'config',
    summary: 'check and show the settings',
    register: async (program) => (await import('./commands/config/config.ts')).registerConfig(program),
  },
  {
    name: 'subscriber',
    summary: 'add, show, change and remove subscribers',
    register: async (program) => (await import('./commands/subscriber/subscriber.ts')).registerSubscriber(program),
  },
  {
    name: 'number',
    summary: 'add, remove and list the numbers of subscribers',
    register: async (program) => (await import('./commands/number/number.ts')).registerNumber(program),
  },
  {
    name: 'call',
    summary: 'list and show the records of calls',
    register: async (program) => (await import('./commands/call/call.ts')).registerCall(program),
  },
  {
    name: 'explain',
    summary: 'tell which numbers an INVITE holds, and why',
    register: async (program) => (await import('./commands/explain.ts')).registerExplain(program),
  },
  {
    name: 'normalise',
    summary: 'bring numbers into their one form',
    register: async (program) => (await import('./commands/normalise.ts')).registerNormalise(program),
  },
  {
    name: 'simulate',
    summary: 'play a whole call on this machine, with network, phones and voices',
    register: async (program) => (await import('./commands/simulate.ts')).registerSimulate(program),
  },
];

const examples = `
Examples:
  ringaway serve --config ringaway.yaml
  ringaway config check
  ringaway subscriber add shop1 --number +8675520000001 --owner "The shop" --password-stdin
  ringaway call list --json
  ringaway help config`;

/** Runs the command that `argv` (without node and script) asks for, and sets the exit code of the process. */
export async function run(argv: readonly string[]): Promise<void> {
  survivePipes();
  try {
    await (await buildProgram(argv)).parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? exitCodeOf(error) : fail(error, argv.includes('--json'));
  }
}

/** The program with the one command loaded that `argv` asks for; of the others it knows name and summary. */
export async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('ringaway')
    .description('Answer your phone from anywhere: the service on the SIP trunk, and its administration.')
    .version(readVersion(), '--version', 'print the version')
    .option('--config <file>', 'settings file (without it: RINGAWAY_CONFIG, ./ringaway.yaml, or the defaults)')
    .option('--json', 'answer in JSON')
    .helpOption('-h, --help', 'print what can be done')
    .addHelpText('after', examples)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (message, write) => write(oneLine(message)) });
  const asked = askedNoun(argv);
  for (const noun of nouns) {
    if (noun.name === asked) await noun.register(program);
    else program.command(noun.name).summary(noun.summary).description(noun.summary);
  }
  inherit(program);
  return program;
}

/** The first word that is no option nor the value of one; after `help`, the next. */
function askedNoun(argv: readonly string[]): string | undefined {
  const words = argv.filter((word, index) => !word.startsWith('-') && argv[index - 1] !== '--config');
  return words[0] === 'help' ? words[1] : words[0];
}

/** Every command answers mistakes alike, however it was made. */
function inherit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

/** Commander's "error: unknown option '--x'\n(Did you mean --y?)" as one line. */
function oneLine(message: string): string {
  return `ringaway: ${message
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')}\n`;
}

/** 0 for help and version that were asked for, 2 for mistakes. */
function exitCodeOf(error: CommanderError): number {
  return ['commander.helpDisplayed', 'commander.version'].includes(error.code) ||
    (error.message === '(outputHelp)' && error.exitCode === 0)
    ? 0
    : 2;
}

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
}
