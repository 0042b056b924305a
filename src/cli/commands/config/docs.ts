import { defaultsYaml, settingsTable } from '../../../config/describe.ts';
import { settingsSchema } from '../../../config/schema.ts';

/** Every setting, as the table of the README, or as config/default.yaml. */
export function configDocs(form: { yaml: boolean }): string {
  return form.yaml ? defaultsYaml(settingsSchema).trimEnd() : settingsTable(settingsSchema);
}
