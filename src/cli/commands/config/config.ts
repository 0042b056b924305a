import type { Command } from 'commander';
import { stringify } from 'yaml';
import { checkSettings, showSettings, type Settings } from '../../../config.ts';
import { act } from '../../context.ts';
import { configDocs } from './docs.ts';

const examples = `
Examples:
  ringaway config check --config ringaway.yaml
  RINGAWAY_HTTP_LISTEN=0.0.0.0:8080 ringaway config show`;

/** `ringaway config check`, `show` and `docs`. */
export function registerConfig(program: Command): void {
  const config = program
    .command('config')
    .summary('check and show the settings')
    .description('Check and show the settings.')
    .addHelpText('after', examples);
  config
    .command('check')
    .description(
      'Check the settings file, the variables, the certificates and the sound files; each fault is one line, and the exit code is then 2.',
    )
    .action(
      act((context) => {
        const { settings, warnings } = checkSettings({ file: context.configFile }, context.clock);
        const found = warnings.length > 0 ? { warnings } : {};
        context.print({ ok: true, file: settings.file, ...found }, () => [summary(settings), ...warnings].join('\n'));
      }),
    );
  config
    .command('show')
    .description('Print the settings in force, defaults and variables included; secrets are masked.')
    .action(
      act((context) => {
        const shown = showSettings({ file: context.configFile });
        context.print(shown, () => stringify(shown, { lineWidth: 0 }).trimEnd());
      }),
    );
  config
    .command('docs')
    .description('Print what can be set, as a Markdown table.')
    .option('--yaml', 'as a settings file with all defaults')
    .action(
      act((context, options: { yaml?: boolean }) => {
        const docs = configDocs({ yaml: options.yaml === true });
        context.print({ docs }, () => docs);
      }),
    );
}

function summary({ file, trunks, routes, store, media, sip, http }: Settings): string {
  const where = store.kind === 'embedded' ? `in ${store.path}` : 'in MongoDB';
  const lines = [
    `${file} is right: ${trunks.length} trunks, ${routes.length} routes, records ${where}, media ${media.mode}, ` +
      `SIP server ${sip.server.kind}, HTTP ${http.listen.host}:${http.listen.port}.`,
  ];
  if (trunks.length === 0)
    lines.push('There is no trunk yet: nobody can send calls. Set trunks (see `ringaway config docs`).');
  else if (routes.length === 0)
    lines.push('There is no route yet: no number can be called. Set routes (see `ringaway config docs`).');
  return lines.join('\n');
}
