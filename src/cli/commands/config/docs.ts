import { defaultsYaml, settingsPage } from '../../../config/describe.ts';
import { settingsSchema } from '../../../config/schema.ts';

/** Every setting, as config/SETTINGS.md, or as config/default.yaml. */
export function configDocs(form: { yaml: boolean }): string {
  return form.yaml ? defaultsYaml(settingsSchema).trimEnd() : settingsPage(settingsSchema);
}
